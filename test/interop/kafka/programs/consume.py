# Usage: consume.py BOOTSTRAP TOPIC GROUP COUNT. Reads COUNT records as a member of the group, commits behind the last of each
# partition, and prints one JSON line per record: [partition, offset, key, value].
import json
import sys

from kafka import KafkaConsumer
from kafka.structs import OffsetAndMetadata, TopicPartition

bootstrap, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
consumer = KafkaConsumer(
    topic,
    bootstrap_servers=bootstrap.split(","),
    group_id=group,
    enable_auto_commit=False,
    auto_offset_reset="none",
    max_poll_records=1,
    consumer_timeout_ms=30_000,
)
following = {}
for record in consumer:
    text = lambda data: None if data is None else data.decode("utf8")
    print(json.dumps([record.partition, record.offset, text(record.key), text(record.value)]))
    following[TopicPartition(topic, record.partition)] = OffsetAndMetadata(record.offset + 1, "", -1)
    count -= 1
    if count == 0:
        break
consumer.commit(following)
consumer.close(autocommit=False)
