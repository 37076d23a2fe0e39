import { basename } from 'node:path'
import {
  type Checker,
  type Counts,
  CRIMES,
  createChecker,
  type Finding,
  type Place,
  type RecordName,
} from './checker.ts'
import { journalLines, type JournalLine, mergedJournals } from './journal.ts'

export interface RunNotes {
  /** Journals of the producers. A source is called as its journal's file. */
  readonly senders: readonly string[]
  /** Journals of members, and of whoever killed them and looked at positions. */
  readonly members: readonly string[]
  /** The log at the end, each partition in its order. */
  readonly log: AsyncIterable<RecordName & Place & { readonly key: string }>
}

export interface Verdict {
  readonly findings: readonly Finding[]
  readonly counts: Counts
}

/** Judges a run of `openJournal` notes; memory grows by some 20 bytes a record. */
export async function judgeRun({ senders, members, log }: RunNotes): Promise<Verdict> {
  const checker = createChecker()
  for (const file of senders) for (const line of journalLines(file)) applySend(checker, basename(file), line)
  for await (const { source, number, key, partition, offset } of log) {
    checker.stored({ source, number }, { partition, offset }, key)
  }
  for (const line of mergedJournals(members)) applyDeed(checker, line)
  return { findings: checker.findings(), counts: checker.counts() }
}

function applySend(checker: Checker, source: string, { letter, fields }: JournalLine): void {
  const number = Number(fields[0])
  if (letter === 'b') checker.began(source, number)
  else if (letter === 'f') checker.sent({ source, number }, 'not-written')
  else if (letter === 'u') checker.sent({ source, number }, 'unknown')
  else {
    const [, partition, offset] = fields
    const place = offset === '-' ? {} : { partition: Number(partition), offset: Number(offset) }
    checker.sent({ source, number }, 'acknowledged', place)
  }
}

function applyDeed(checker: Checker, { letter, at, fields, file }: JournalLine): void {
  const who = basename(file)
  if (letter === 'h') {
    const [begunAt, partition, offset, source = '', number, key = ''] = fields
    const place = { partition: Number(partition), offset: Number(offset) }
    checker.handled({ source, number: Number(number), key, ...place, who, begunAt: Number(begunAt) }, at)
  } else if (letter === 'p') checker.position(Number(fields[0]), Number(fields[1]))
  else if (letter === 'd') checker.disturbed(fields[0] === '' ? who : (fields[0] ?? who), at)
  else if (letter === 'w') checker.woken(fields[0] ?? who, at)
}

/** The verdict for a person to read. */
export function verdictText({ findings, counts }: Verdict): string {
  const found = findings.map(({ crime, count, examples }) => `${count} ${CRIMES[crime]} (${examples.join('; ')})`)
  return (
    `${counts.acknowledged} records acknowledged, ${counts.failed} refused, ${counts.stored} stored, ${counts.handled} handled, ` +
    `${counts.excused} again after a kill or stop, ${counts.handedOver} after a hand-over; findings: ${found.length === 0 ? 'none' : found.join(', ')}`
  )
}
