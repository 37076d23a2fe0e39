/** One measured figure: ours against the raw client, both in the same run. */
export interface Figure {
  readonly suite: string
  readonly name: string
  /** What the raw side is. */
  readonly against: string
  readonly ours: number
  readonly raw: number
  readonly unit: string
  /** ours / raw; for times raw / ours is not taken: read the unit. */
  readonly ratio: number
  /** Of our side, user and system; null where it was not measured. */
  readonly cpuSecondsPerMillion: number | null
  readonly peakMemoryMiB: number | null
  /** The same of the raw side. */
  readonly rawCpuSecondsPerMillion: number | null
  readonly rawPeakMemoryMiB: number | null
}

export interface Measured {
  /** Per second, or milliseconds, as the unit says. */
  readonly value: number
  readonly cpuSecondsPerMillion?: number
  readonly peakMemoryMiB?: number
}

export function figure(
  name: string,
  parts: { suite: string; against: string; unit: string; ours: Measured; raw: Measured },
): Figure {
  const { suite, against, unit, ours, raw } = parts
  return {
    suite,
    name,
    against,
    ours: round(ours.value),
    raw: round(raw.value),
    ratio: round(ours.value / raw.value),
    unit,
    cpuSecondsPerMillion: roundOrNull(ours.cpuSecondsPerMillion),
    peakMemoryMiB: roundOrNull(ours.peakMemoryMiB),
    rawCpuSecondsPerMillion: roundOrNull(raw.cpuSecondsPerMillion),
    rawPeakMemoryMiB: roundOrNull(raw.peakMemoryMiB),
  }
}

/** The run of the median value with all that was measured in it. */
export function middle(runs: readonly Measured[]): Measured {
  const target = median(runs.map(({ value }) => value))
  return runs.find(({ value }) => value === target) ?? { value: Number.NaN }
}

function roundOrNull(value: number | undefined): number | null {
  return value === undefined ? null : round(value)
}

/** So that one disturbed run does not speak for all. */
function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
