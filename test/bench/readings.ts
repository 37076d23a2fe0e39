import { defineTopic } from '../../src/index.ts'

export const PARTITIONS = 4

/** What every bench sends: a typed record of 200 bytes (key, value with its 5 bytes of framing), or more. */
export const readings = readingsTopic('bench.readings')

/** Where a broker is shared, every run has topics of its own. */
export function readingsTopic(name: string) {
  return defineTopic({
    name,
    value: {
      type: 'record',
      name: 'Reading',
      namespace: 'bench',
      fields: [
        { name: 'sensor', type: 'string' },
        { name: 'sentAt', type: 'long' },
        { name: 'value', type: 'double' },
        { name: 'note', type: 'string' },
      ],
    },
    key: (reading) => reading.sensor,
    partitions: PARTITIONS,
  })
}

export interface Reading {
  readonly sensor: string
  readonly sentAt: number
  readonly value: number
  readonly note: string
}

const SMALL_BYTES = 200
/** What of a reading is not its note. */
const REST_BYTES = 42
const NOTES = new Map<number, string>()

/** A reading of about so many bytes, key and framing included. */
export function reading(n: number, bytes = SMALL_BYTES, sentAt = 1_700_000_000_000): Reading {
  const note = NOTES.get(bytes) ?? 'n'.repeat(Math.max(0, bytes - REST_BYTES))
  NOTES.set(bytes, note)
  return { sensor: `sensor-${String(n % 1000).padStart(4, '0')}`, sentAt, value: n / 3, note }
}

export function* readingsOf(records: number, bytes = SMALL_BYTES): Generator<Reading> {
  for (let n = 0; n < records; n++) yield reading(n, bytes)
}
