# Usage: sub_entries.py STREAM_URL STREAM COMPRESSION COUNT. Writes COUNT messages `COMPRESSION-0` … as one sub-entry batch
# between two messages `before` and `after`, and ends when all is confirmed. COMPRESSION: No, Gzip, Snappy, Lz4, Zstd.
import asyncio
import sys
from urllib.parse import urlparse

import cramjam
from rstream import AMQPMessage, CompressionType, Producer
from rstream.compression import NoneCompressionCodec, StreamCompressionCodecs

url, stream, name, count = urlparse(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])


def codec_of(kind, compress):
    """rstream brings gzip alone; the others are registered, as its users have to."""

    class Codec(NoneCompressionCodec):
        def compress(self, messages):
            super().compress(messages)
            self.buffer = bytes(compress(self.buffer))
            self.compressed_data_size = len(self.buffer)

        def compression_type(self):
            return kind.value

    return Codec()


# Frames, as RabbitMQ's Java client writes them.
for kind, module in (
    (CompressionType.Snappy, cramjam.snappy),
    (CompressionType.Lz4, cramjam.lz4),
    (CompressionType.Zstd, cramjam.zstd),
):
    StreamCompressionCodecs.register_codec(kind, codec_of(kind, module.compress))


async def main():
    confirmed = 0

    async def on_confirm(status):
        nonlocal confirmed
        if not status.is_confirmed:
            sys.exit(f"not confirmed: {status}")
        confirmed += 1

    async def until(wanted):
        while confirmed < wanted:
            await asyncio.sleep(0.05)

    producer = Producer(url.hostname, url.port, vhost="/", username=url.username, password=url.password)
    await producer.start()
    await producer.send(stream, AMQPMessage(body=b"before"), on_publish_confirm=on_confirm)
    await asyncio.wait_for(until(1), 60)
    entries = [
        AMQPMessage(body=f"{name}-{n}".encode(), application_properties={"n": str(n)}) for n in range(count)
    ]
    await producer.send_sub_entry(stream, entries, compression_type=CompressionType[name], on_publish_confirm=on_confirm)
    await asyncio.wait_for(until(2), 60)
    await producer.send(stream, AMQPMessage(body=b"after"), on_publish_confirm=on_confirm)
    await asyncio.wait_for(until(3), 60)
    await producer.close()


asyncio.run(main())
