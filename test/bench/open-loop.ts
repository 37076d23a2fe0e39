import { percentile } from './figure.ts'

/** CLOCK_MONOTONIC, which all processes of a machine share. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/**
 * Calls `send` at a steady rate whatever the answers do (open loop), so that a stall shows in every record that was due
 * during it. `dueAt` is when the record was due: CLOCK_MONOTONIC in microseconds, the same for all processes here.
 */
export async function openLoop(
  records: number,
  perSecond: number,
  send: (n: number, dueAt: number) => Promise<void>,
): Promise<void> {
  const under: Promise<void>[] = []
  const begun = nowMicros() + 50_000
  const stepUs = 1e6 / perSecond
  let next = 0
  while (next < records) {
    const now = nowMicros()
    while (next < records && begun + next * stepUs <= now) {
      under.push(send(next, Math.round(begun + next * stepUs)))
      next++
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  await Promise.all(under)
}

/** Microseconds from due to handled, as one JSON line in milliseconds; the first tenth is warm-up. */
export function reportLatencies(latencies: readonly number[]): void {
  const counted = latencies.slice(Math.floor(latencies.length / 10)).map((us) => us / 1000)
  console.log(JSON.stringify({ p50: percentile(counted, 0.5), p99: percentile(counted, 0.99) }))
}
