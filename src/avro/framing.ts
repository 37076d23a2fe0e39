import type { Buffer } from 'node:buffer'

/** 0x00 and a 4-byte schema id. Source: Confluent, "Wire format" of Schema Registry serializers (version 0). */
export const FRAME_BYTES = 5

export function writeFrame(buf: Buffer, schemaId: number): void {
  buf[0] = 0
  buf.writeUInt32BE(schemaId, 1)
}

/** The schema id of a framed value; throws what `refused` makes of the problem. */
export function readFrame(bytes: Buffer, refused: (problem: string) => Error): number {
  const first = bytes[0]
  if (first === 1) {
    throw refused(
      'the value is in Confluent framing version 1 (0x01 and a 16-byte schema GUID), which is not supported; have its producer write version 0, or read the topic with value: "bytes"',
    )
  }
  if (first !== 0) {
    throw refused(
      `the value is not in Confluent framing (it ${first === undefined ? 'is empty' : `begins with 0x${first.toString(16).padStart(2, '0')}`}, not with 0x00); have its producer use a schema registry serializer, or read the topic with value: "bytes"`,
    )
  }
  if (bytes.length < FRAME_BYTES) throw refused(`the value ends within the schema id, after ${bytes.length} bytes`)
  return bytes.readUInt32BE(1)
}
