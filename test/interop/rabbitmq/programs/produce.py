# Usage: produce.py STREAM_URL TOPIC PARTITIONS. Writes to a super stream as rstream's super-stream producer routes by key:
# ten messages for each partition, `p0-0` to `pN-9`, with properties of every kind. Ends when all are confirmed.
import asyncio
import sys
from urllib.parse import urlparse

from rstream import AMQPMessage, RouteType, SuperStreamProducer
from rstream._pyamqp.message import Properties

url, topic, partitions = urlparse(sys.argv[1]), sys.argv[2], int(sys.argv[3])
EACH = 10


async def main():
    left = partitions * EACH

    async def on_confirm(status):
        nonlocal left
        if not status.is_confirmed:
            sys.exit(f"not confirmed: {status}")
        left -= 1

    async def key_of(message):
        return message.application_properties["partition"]

    # A producer routes by one key: rstream 1.1.1 remembers the first answer for all of them.
    for partition in range(partitions):
        producer = SuperStreamProducer(
            url.hostname,
            url.port,
            vhost="/",
            username=url.username,
            password=url.password,
            super_stream=topic,
            routing=RouteType.Key,
            routing_extractor=key_of,
        )
        await producer.start()
        for n in range(EACH):
            message = AMQPMessage(
                body=f"p{partition}-{n}".encode(),
                properties=Properties(message_id=f"m{n}", content_type="text/plain", creation_time=1_700_000_000_000),
                application_properties={
                    "partition": str(partition),
                    "int": 7,
                    "negative": -1,
                    "yes": True,
                    "fraction": 1.5,
                    "empty": "",
                    "bytes": b"\xff\xfe",
                },
                message_annotations={b"x-opt-partition-key": f"k{n}", b"note": "n"},
            )
            await producer.send(message, on_publish_confirm=on_confirm)
        while left > (partitions - 1 - partition) * EACH:
            await asyncio.sleep(0.05)
        await producer.close()


asyncio.run(main())
