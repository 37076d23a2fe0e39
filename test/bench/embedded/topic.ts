import { defineTopic } from '../../../src/index.ts'

/** A typed record of 200 bytes: key, value with its 5 bytes of framing. */
export const readings = defineTopic({
  name: 'bench.readings',
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
  partitions: 4,
})

const NOTE = 'n'.repeat(158)

export function reading(
  n: number,
  sentAt = 1_700_000_000_000,
): { sensor: string; sentAt: number; value: number; note: string } {
  return { sensor: `sensor-${String(n % 1000).padStart(4, '0')}`, sentAt, value: n / 3, note: NOTE }
}

/** CPU seconds of this process and all its threads, and the largest resident size it has had. */
export function usage(): { readonly cpuSeconds: number; readonly peakMemoryMiB: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMemoryMiB: maxRSS / 1024 }
}
