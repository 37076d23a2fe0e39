import { reading, readings } from '../embedded/topic.ts'

export { usage } from '../embedded/topic.ts'

/** What of a 200-byte reading is its note. */
const REST_BYTES = 42

export function benchTopic(name: string) {
  return { ...readings, name }
}

/** A reading of about so many bytes, key and framing included. */
export function benchReading(n: number, bytes: number): ReturnType<typeof reading> {
  return { ...reading(n), note: 'n'.repeat(Math.max(0, bytes - REST_BYTES)) }
}

/** Arguments of a side: URL TOPIC RECORDS BYTES. */
export function sideArguments(): { url: string; topic: string; records: number; bytes: number } {
  const [url = '', topic = '', records = '0', bytes = '200'] = process.argv.slice(2)
  return { url, topic, records: Number(records), bytes: Number(bytes) }
}
