import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/**
 * What one process of a fault run noted down: lines that begin with a letter and a time. Each is on the kernel's side when
 * the call returns, so that it survives a SIGKILL of the process. Keys and sources hold no space.
 */
export interface Journal {
  /** Records below this number may be sent from now on. */
  began(below: number): void
  acknowledged(number: number, place: { readonly partition: number; readonly offset: number | null }): void
  refused(number: number, outcome: 'not-written' | 'unknown'): void
  /** The outside effect of a handler that began at `begunAt`. */
  handled(effect: {
    readonly begunAt: number
    readonly partition: number
    readonly offset: number
    readonly source: string
    readonly number: number
    readonly key: string
  }): void
  /** A position read before now. */
  position(partition: number, next: number): void
  /** `who` (the name of a journal) is killed or stopped now; the process itself where no name is given. */
  disturbed(who?: string): void
  woken(who: string): void
}

/** Microseconds of CLOCK_MONOTONIC: comparable between the processes of a machine. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

export function openJournal(path: string): Journal {
  const file = openSync(path, 'a')
  const write = (letter: string, ...fields: readonly (string | number)[]) =>
    void writeSync(file, `${letter} ${nowMicros()} ${fields.join(' ')}\n`)
  return {
    began: (below) => write('b', below),
    acknowledged: (number, { partition, offset }) => write('a', number, partition, offset ?? '-'),
    refused: (number, outcome) => write(outcome === 'unknown' ? 'u' : 'f', number),
    handled: ({ begunAt, partition, offset, source, number, key }) =>
      write('h', begunAt, partition, offset, source, number, key),
    position: (partition, next) => write('p', partition, next),
    disturbed: (who) => write('d', who ?? ''),
    woken: (who) => write('w', who),
  }
}

export interface JournalLine {
  readonly letter: string
  readonly at: number
  readonly fields: readonly string[]
  /** The journal it stands in. */
  readonly file: string
}

const CHUNK_BYTES = 65_536

/** Lines of one journal; a last line that a kill cut short is none. */
export function* journalLines(file: string): Generator<JournalLine, void> {
  const fd = openSync(file, 'r')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let rest = ''
    for (;;) {
      const bytes = readSync(fd, chunk)
      if (bytes === 0) return
      // Journals are ASCII, so no character is cut.
      const lines = (rest + chunk.toString('latin1', 0, bytes)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield parseLine(line, file)
    }
  } finally {
    closeSync(fd)
  }
}

function parseLine(line: string, file: string): JournalLine {
  const [letter = '', at, ...fields] = line.split(' ')
  if (at === undefined || !/^\d+$/.test(at)) throw new Error(`${file}: ${JSON.stringify(line)} is no line of a journal`)
  return { letter, at: Number(at), fields, file }
}

interface Head {
  line: JournalLine
  readonly rest: Generator<JournalLine, void>
}

/** All lines of the journals in the order of time. A journal is opened when its time has come: a run may have thousands. */
export function* mergedJournals(files: readonly string[]): Generator<JournalLine, void> {
  const waiting = files
    .map((file) => ({ file, at: firstTime(file) }))
    .filter(({ at }) => at !== undefined)
    .sort((a, b) => (b.at ?? 0) - (a.at ?? 0))
  const open: Head[] = []
  for (;;) {
    const first = open.reduce<Head | undefined>(
      (best, head) => (isBefore(head.line, best?.line) ? head : best),
      undefined,
    )
    const next = waiting.at(-1)
    if (next !== undefined && (first === undefined || (next.at ?? 0) <= first.line.at)) {
      waiting.pop()
      const rest = journalLines(next.file)
      const line = rest.next().value
      if (line !== undefined) open.push({ line, rest })
      continue
    }
    if (first === undefined) return
    yield first.line
    const following = first.rest.next().value
    if (following === undefined) open.splice(open.indexOf(first), 1)
    else first.line = following
  }
}

/** At equal times a position comes last: it was read before, what it passed was done before. */
function isBefore(a: JournalLine, b: JournalLine | undefined): boolean {
  if (b === undefined || a.at !== b.at) return b === undefined || a.at < b.at
  return b.letter === 'p'
}

function firstTime(file: string): number | undefined {
  for (const { at } of journalLines(file)) return at
  return undefined
}
