# Usage: consume.py STREAM_URL TOPIC COUNT. Reads COUNT records of a super stream from its beginning and prints one JSON line
# per record: [stream, offset, body, annotations, application properties, creation time].
import asyncio
import json
import sys
from urllib.parse import urlparse

from rstream import ConsumerOffsetSpecification, OffsetType, SuperStreamConsumer, amqp_decoder

url, topic, count = urlparse(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def plain(value):
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    return value.decode("utf8", "replace") if isinstance(value, bytes) else value


async def main():
    done = asyncio.Event()
    left = count

    async def on_message(message, context):
        nonlocal left
        time = message.properties.creation_time if message.properties is not None else None
        body = b"".join(message.body) if isinstance(message.body, list) else message.body
        seen = [context.stream, context.offset, body, message.message_annotations, message.application_properties, time]
        print(json.dumps([plain(each) for each in seen]))
        left -= 1
        if left == 0:
            done.set()

    consumer = SuperStreamConsumer(
        url.hostname, url.port, vhost="/", username=url.username, password=url.password, super_stream=topic
    )
    await consumer.start()
    first = ConsumerOffsetSpecification(OffsetType.FIRST, None)
    await consumer.subscribe(on_message, decoder=amqp_decoder, offset_specification=first)
    await asyncio.wait_for(done.wait(), 60)
    await consumer.close()


asyncio.run(main())
