# Usage: member.py STREAM_URL TOPIC GROUP. A member of the group, as a single active consumer of the super stream. Goes on behind
# the stored position where it is made active, and stores its own where it is made passive, and at the end, which is the end of
# standard input. Prints JSON lines: {"active": stream}, {"passive": stream}, {"stream", "offset", "value"}, {"stored": …}.
import asyncio
import json
import sys
from urllib.parse import urlparse

from rstream import OffsetNotFound, OffsetType, SuperStreamConsumer, amqp_decoder
from rstream.schema import OffsetSpecification

url, topic, group = urlparse(sys.argv[1]), sys.argv[2], sys.argv[3]
handled = {}
active = set()


def tell(what):
    print(json.dumps(what), flush=True)


async def on_message(message, context):
    body = b"".join(message.body) if isinstance(message.body, list) else message.body
    handled[context.stream] = context.offset
    tell({"stream": context.stream, "offset": context.offset, "value": body.decode()})


async def store(consumer, stream):
    if stream in handled:
        await consumer.store_offset(stream, group, handled[stream])
        # Answered on the same connection, so behind the store.
        stored = await consumer.query_offset(stream, group)
        tell({"stored": stream, "offset": stored})


async def on_update(is_active, context):
    if not is_active:
        active.discard(context.stream)
        await store(context.consumer, context.stream)
        tell({"passive": context.stream})
        return OffsetSpecification(OffsetType.NEXT, 0)
    active.add(context.stream)
    tell({"active": context.stream})
    try:
        # 2^64 - 1 is stored where nothing was handled yet; one more is 0, as in the unsigned numbers of the protocol.
        following = (await context.consumer.query_offset(context.stream, group) + 1) % 2**64
        return OffsetSpecification(OffsetType.OFFSET, following)
    except OffsetNotFound:
        return OffsetSpecification(OffsetType.FIRST, 0)


async def main():
    consumer = SuperStreamConsumer(
        url.hostname, url.port, vhost="/", username=url.username, password=url.password, super_stream=topic
    )
    await consumer.start()
    await consumer.subscribe(
        on_message,
        decoder=amqp_decoder,
        subscriber_name=group,
        properties={"single-active-consumer": "true", "name": group, "super-stream": topic},
        consumer_update_listener=on_update,
    )
    tell({"joined": topic})
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for stream in sorted(active):
        await store(consumer._consumer, stream)
    await consumer.close()


asyncio.run(main())
