/** The environment variable that repeats a run's random choices: its seed stands in every report. */
export const SEED_VARIABLE = 'DRAWBRIDGE_SEED'

export interface Random {
  readonly seed: number
  /** A number from [0, 1). */
  next(): number
  /** A whole number from [0, below). */
  below(below: number): number
  pick<T>(from: readonly T[]): T
}

/** The same seed gives the same numbers (mulberry32); without one it is the variable's or a new one. */
export function createRandom(seed = Number(process.env[SEED_VARIABLE] ?? Math.floor(Math.random() * 2 ** 31))): Random {
  let state = seed | 0
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    seed,
    next,
    below,
    pick(from) {
      if (from.length === 0) throw new Error('nothing to pick from')
      return from[below(from.length)] as (typeof from)[number]
    },
  }
}
