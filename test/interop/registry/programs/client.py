"""Confluent's own Python client against a registry: prints one JSON object of what it saw."""

import base64
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

url, login, topic, first, second, refused, ours = sys.argv[1:]
client = SchemaRegistryClient({"url": url, "basic.auth.user.info": login})
subject = topic + "-value"


def code(call):
    try:
        call()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]
    return None


def avro(text):
    return Schema(text, "AVRO")


seen = {"denied": code(SchemaRegistryClient({"url": url}).get_subjects)}
seen["missing"] = [
    code(lambda: client.get_versions(subject + "-none")),
    code(lambda: client.get_version(subject, 99)),
    code(lambda: client.get_schema(2147480000)),
    code(lambda: client.get_compatibility(subject)),
]
seen["first"] = client.register_schema(subject, avro(first))
seen["again"] = client.register_schema(subject, avro(first))
seen["incompatible"] = code(lambda: client.register_schema(subject, avro(refused)))
seen["invalid"] = code(lambda: client.register_schema(subject, avro("{")))
seen["checks"] = [client.test_compatibility(subject, avro(text)) for text in (second, refused)]
seen["second"] = client.register_schema(subject, avro(second))
latest = client.get_latest_version(subject)
seen["latest"] = [latest.subject, latest.version, latest.schema_id, json.loads(latest.schema.schema_str)]
seen["looked_up"] = client.lookup_schema(subject, avro(first)).version
seen["by_id"] = json.loads(client.get_schema(seen["first"]).schema_str)
seen["subjects"] = client.get_subjects()
seen["versions"] = client.get_versions(subject)
client.set_compatibility(subject_name=subject, level="FULL_TRANSITIVE")
seen["level"] = client.get_compatibility(subject_name=subject)
seen["global"] = client.get_compatibility()

context = SerializationContext(topic, MessageField.VALUE)
serializer = AvroSerializer(client, second)
seen["written"] = base64.b64encode(serializer({"name": "Ada é日", "count": 2**40, "note": None}, context)).decode()
fresh = SchemaRegistryClient({"url": url, "basic.auth.user.info": login})
seen["read"] = AvroDeserializer(fresh)(base64.b64decode(ours), context)

other = "deleted-" + subject
client.register_schema(other, avro(first))
seen["deleted"] = [client.delete_subject(other), code(lambda: client.get_latest_version(other + "?"))]
seen["gone"] = client.delete_subject(other, permanent=True) if other not in client.get_subjects() else None
print(json.dumps(seen))
