import { reading, readings } from '../embedded/topic.ts'

export { usage } from '../embedded/topic.ts'

/** What of a 200-byte reading is its note. */
const REST_BYTES = 42
export const PARTITIONS = 4

export function benchTopic(name: string) {
  return { ...readings, name, partitions: PARTITIONS }
}

/** A reading of about so many bytes, key and framing included. */
export function benchReading(n: number, bytes: number): ReturnType<typeof reading> {
  return { ...reading(n), note: 'n'.repeat(Math.max(0, bytes - REST_BYTES)) }
}

/** Arguments of a side: URL STREAM_URL TOPIC RECORDS BYTES. */
export function sideArguments() {
  const [url = '', streamUrl = '', topic = '', records = '0', bytes = '200'] = process.argv.slice(2)
  return { url, streamUrl, topic, records: Number(records), bytes: Number(bytes) }
}

export interface Usage {
  readonly cpuSeconds: number
  readonly peakMemoryMiB: number
}

export function measured(records: number, seconds: number, from: Usage, to: Usage) {
  return {
    value: records / seconds,
    cpuSecondsPerMillion: ((to.cpuSeconds - from.cpuSeconds) / records) * 1e6,
    peakMemoryMiB: to.peakMemoryMiB,
  }
}
