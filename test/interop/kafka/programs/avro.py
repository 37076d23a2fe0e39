# Usage: avro.py read BOOTSTRAP TOPIC REGISTRY: prints every record of partition 0, decoded with fastavro by the schema that the
# registry gives for its id, as one JSON line. avro.py write BOOTSTRAP TOPIC REGISTRY SCHEMA VALUE…: registers the schema for
# the topic and writes the values (JSON) with it; prints the schema's id.
import datetime
import decimal
import io
import json
import struct
import sys
import urllib.request

import fastavro
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

mode, bootstrap, topic, registry, *rest = sys.argv[1:]
schemas = {}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(registry + path, data, headers), timeout=10) as answer:
        return json.load(answer)


def schema_of(schema_id):
    if schema_id not in schemas:
        schemas[schema_id] = fastavro.parse_schema(json.loads(call(f"/schemas/ids/{schema_id}")["schema"]))
    return schemas[schema_id]


def plain(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(f"{type(value)} has no JSON")


def read():
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=1_000).get(partition, []):
            magic, schema_id = struct.unpack(">bI", record.value[:5])
            assert magic == 0
            body = io.BytesIO(record.value[5:])
            value = fastavro.schemaless_reader(body, schema_of(schema_id))
            assert body.read() == b""
            print(json.dumps(value, default=plain))
    consumer.close()


def write(text, *values):
    schema_id = call(f"/subjects/{topic}-value/versions", {"schema": text})["id"]
    schema = fastavro.parse_schema(json.loads(text))
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    for value in values:
        body = io.BytesIO(struct.pack(">bI", 0, schema_id))
        body.seek(5)
        fastavro.schemaless_writer(body, schema, json.loads(value))
        producer.send(topic, body.getvalue(), partition=0).get(timeout=30)
    producer.close()
    print(schema_id)


read() if mode == "read" else write(*rest)
