import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Half-open range of offsets. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface FilePlace {
  readonly topic: string
  readonly incarnation: string
  readonly format: string
}

/** Wide enough for every safe integer, so that names sort as offsets do. */
const OFFSET_DIGITS = 16

/** `TOPIC-INCARNATION-PARTITION-FROM-TO.FORMAT`; TO is the offset after the last row. */
export function fileName(place: FilePlace, partition: number, range: Range): string {
  const digits = (offset: number) => String(offset).padStart(OFFSET_DIGITS, '0')
  return `${prefixOf(place)}${partition}-${digits(range.from)}-${digits(range.to)}.${place.format}`
}

function prefixOf({ topic, incarnation }: FilePlace): string {
  return `${topic}-${incarnation}-`
}

/** While it is written: hidden, in the same folder, and no other process's. */
export function partName(name: string, unique: string): string {
  return `.${name}.${unique}.part`
}

/** The folder as a ledger: which offsets of each partition stand in finished files, sorted. Either format counts. */
export async function readLedger(directory: string, place: FilePlace): Promise<ReadonlyMap<number, readonly Range[]>> {
  const ledger = new Map<number, Range[]>()
  const prefix = prefixOf(place)
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue
    const match = /^(\d+)-(\d{16})-(\d{16})\.(?:csv|jsonl)$/.exec(name.slice(prefix.length))
    if (match === null) continue
    const partition = Number(match[1])
    const ranges = ledger.get(partition) ?? []
    ranges.push({ from: Number(match[2]), to: Number(match[3]) })
    ledger.set(partition, ranges)
  }
  for (const ranges of ledger.values()) ranges.sort((a, b) => a.from - b.from)
  return ledger
}

/**
 * Removes part files that a killed process left. Should one belong to a living copy, that copy's rename fails and its
 * batch is written again.
 */
export async function removeParts(directory: string, place: FilePlace): Promise<number> {
  const parts = (await readdir(directory)).filter(
    (name) => name.startsWith(`.${prefixOf(place)}`) && name.endsWith('.part'),
  )
  for (const name of parts) await unlink(join(directory, name)).catch(ignoreMissing)
  return parts.length
}

/** The parts of a batch that no file holds yet, as runs that overlap no file. */
export function uncovered<M extends { readonly offset: number }>(
  messages: readonly M[],
  written: readonly Range[],
): readonly (readonly M[])[] {
  const runs: M[][] = []
  let run: M[] = []
  let index = 0
  const close = () => {
    if (run.length > 0) runs.push(run)
    run = []
  }
  for (const message of messages) {
    while ((written[index]?.to ?? Infinity) <= message.offset) {
      // A file lies between this message and the one before.
      if (run.length > 0 && (written[index]?.from ?? 0) > (run.at(-1)?.offset ?? 0)) close()
      index++
    }
    if ((written[index]?.from ?? Infinity) <= message.offset) close()
    else run.push(message)
  }
  close()
  return runs
}

function ignoreMissing(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'ENOENT') throw error
}
