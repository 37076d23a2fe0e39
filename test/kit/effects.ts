import { existsSync, readFileSync } from 'node:fs'

/** One handled record, as the program that handled it noted down. */
export interface Effect {
  /** CLOCK_MONOTONIC, nanoseconds: comparable between processes of one machine. */
  readonly at: bigint
  readonly pid: number
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** Number of the record among those of its key, from 0. */
  readonly count: number
}

/** Reads effect files; a last line that a kill cut short is no effect. */
export function readEffects(files: readonly string[]): readonly Effect[] {
  const effects = files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1).map(parseEffect))
  return effects.sort((a, b) => (a.at < b.at ? -1 : 1))
}

function parseEffect(line: string): Effect {
  const [at, pid, partition, offset, key, count] = line.split(' ')
  if (count === undefined) throw new Error(`effect line ${JSON.stringify(line)} has not six fields`)
  return {
    at: BigInt(at ?? 0),
    pid: Number(pid),
    partition: Number(partition),
    offset: Number(offset),
    key: key ?? '',
    count: Number(count),
  }
}

export interface Kill {
  readonly pid: number
  readonly at: bigint
}

export interface Findings {
  /** Records never handled, `KEY#COUNT`. */
  readonly lost: readonly string[]
  /** Records first handled after a later one of their key. */
  readonly disordered: readonly string[]
  /** Records handled again though the process that had handled them was not killed meanwhile. */
  readonly repeatedWithoutCause: readonly string[]
  /** Records handled again after a kill: allowed, for information. */
  readonly repeatedAfterKill: number
}

/** Judges what was handled against what was sent: `records` records over `keys` keys, in turn. Effects in the order of time. */
export function judgeEffects(
  effects: readonly Effect[],
  sent: { readonly records: number; readonly keys: number },
  kills: readonly Kill[],
): Findings {
  const first = new Map<string, Effect>()
  const newest = new Map<string, number>()
  const disordered: string[] = []
  const repeatedWithoutCause: string[] = []
  let repeatedAfterKill = 0
  for (const effect of effects) {
    const name = `${effect.key}#${effect.count}`
    const earlier = first.get(name)
    if (earlier === undefined) {
      first.set(name, effect)
      if (effect.count < (newest.get(effect.key) ?? -1)) disordered.push(name)
      newest.set(effect.key, Math.max(effect.count, newest.get(effect.key) ?? -1))
      continue
    }
    const excused = kills.some((kill) => kill.pid === earlier.pid && earlier.at <= kill.at && effect.at >= kill.at)
    if (excused) repeatedAfterKill++
    else repeatedWithoutCause.push(name)
    // From here on a repeat may be repeated only after a kill of its new handler.
    first.set(name, effect)
  }
  const lost: string[] = []
  for (let n = 0; n < sent.records; n++) {
    const name = `key-${n % sent.keys}#${Math.floor(n / sent.keys)}`
    if (!first.has(name)) lost.push(name)
  }
  return { lost, disordered, repeatedWithoutCause, repeatedAfterKill }
}
