/** One append as its caller saw it. Values are unique over all attempts. */
export interface Attempt {
  readonly partition: number
  readonly values: readonly string[]
  readonly outcome: 'acknowledged' | 'not-written' | 'unknown'
  /** From the receipt; null where there is none. */
  readonly firstOffset: number | null
}

/** One record as a reader of the log saw it. */
export interface Stored {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export interface AppendFindings {
  /** Acknowledged, and not in the log. */
  readonly lost: readonly string[]
  /** Told to be not written, and in the log. */
  readonly unwanted: readonly string[]
  /** In the log more than once. */
  readonly repeated: readonly string[]
  /** In the log, and nobody appended it there. */
  readonly strange: readonly string[]
  /** Not at the place that the receipt names, or at a place where another record is. */
  readonly displaced: readonly string[]
  /** In the log without an earlier record of the same append. */
  readonly torn: readonly string[]
  /** In the log before a record of an earlier append to its partition. */
  readonly disordered: readonly string[]
}

export const NO_FINDINGS: AppendFindings = {
  lost: [],
  unwanted: [],
  repeated: [],
  strange: [],
  displaced: [],
  torn: [],
  disordered: [],
}

/** Judges the log against the appends that made it. Attempts in the order in which they were made, the log in its own. */
export function judgeAppends(attempts: readonly Attempt[], log: readonly Stored[]): AppendFindings {
  const sent = sentValues(attempts)
  const places = new Map<string, number>()
  const seen = new Map<string, Stored>()
  const highest = new Map<number, number>()
  const found = {
    lost: [] as string[],
    unwanted: [] as string[],
    repeated: [] as string[],
    strange: [] as string[],
    displaced: [] as string[],
    torn: [] as string[],
    disordered: [] as string[],
  }
  for (const stored of log) {
    const { partition, offset, value } = stored
    const origin = sent.get(value)
    if (origin === undefined || origin.attempt.partition !== partition) {
      found.strange.push(value)
      continue
    }
    if (seen.has(value)) found.repeated.push(value)
    seen.set(value, stored)
    const place = `${partition}:${offset}`
    const { attempt, index, number } = origin
    const expected = attempt.firstOffset === null ? offset : attempt.firstOffset + index
    if (places.has(place) || offset !== expected) found.displaced.push(value)
    places.set(place, offset)
    if (attempt.outcome === 'not-written') found.unwanted.push(value)
    const before = highest.get(partition) ?? -1
    if (number < before) found.disordered.push(value)
    highest.set(partition, Math.max(number, before))
  }
  for (const { partition, values, outcome } of attempts) {
    const stored = values.map((value) => seen.get(value)?.partition === partition)
    if (outcome === 'acknowledged') found.lost.push(...values.filter((_, index) => !(stored[index] ?? false)))
    const gap = stored.indexOf(false)
    if (gap >= 0) found.torn.push(...values.filter((_, index) => index > gap && (stored[index] ?? false)))
  }
  return found
}

interface Origin {
  readonly attempt: Attempt
  /** Place within the append. */
  readonly index: number
  /** Place among all values appended. */
  readonly number: number
}

function sentValues(attempts: readonly Attempt[]): ReadonlyMap<string, Origin> {
  const sent = new Map<string, Origin>()
  for (const attempt of attempts) {
    for (const [index, value] of attempt.values.entries()) {
      if (sent.has(value))
        throw new Error(`value ${JSON.stringify(value)} was appended twice: the judge needs unique ones`)
      sent.set(value, { attempt, index, number: sent.size })
    }
  }
  return sent
}
