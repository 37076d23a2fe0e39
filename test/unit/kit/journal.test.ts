import { describe, expect, it } from '@jest/globals'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { journalLines, mergedJournals, openJournal } from '../../kit/journal.ts'
import { judgeRun } from '../../kit/judge-run.ts'
import { tempDir } from '../../kit/temp-dir.ts'

function file(name: string, lines: readonly string[], rest = ''): string {
  const path = join(tempDir(), name)
  writeFileSync(path, lines.map((line) => `${line}\n`).join('') + rest)
  return path
}

async function* logOf(...numbers: readonly number[]) {
  for (const [offset, number] of numbers.entries()) yield { partition: 0, offset, source: 'p', number, key: 'k' }
}

describe('journals of a fault run', () => {
  it('a line that a kill cut short is none', () => {
    const path = file('a', ['h 1 x', 'h 2 y'], 'h 3')
    expect([...journalLines(path)].map(({ at }) => at)).toEqual([1, 2])
  })

  it('a line that is none is refused', () => {
    expect(() => [...journalLines(file('a', ['nonsense']))]).toThrow('"nonsense" is no line of a journal')
  })

  it('many lines cross the borders of chunks whole', () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `h ${n} ${'x'.repeat(n % 50)}`)
    const read = [...journalLines(file('a', lines))].map(({ letter, at, fields }) => [letter, at, ...fields].join(' '))
    expect(read).toEqual(lines)
  })

  it('journals are merged in the order of time, a position after what happened at its time', () => {
    const one = file('one', ['h 1 -', 'h 5 -', 'p 7 -', 'h 9 -'])
    const two = file('two', ['h 2 -', 'h 7 -'])
    const late = file('late', ['h 8 -'])
    const empty = file('empty', [])
    expect([...mergedJournals([late, one, empty, two])].map(({ letter, at }) => `${letter}${at}`)).toEqual([
      'h1',
      'h2',
      'h5',
      'h7',
      'p7',
      'h8',
      'h9',
    ])
  })

  it('what is noted down is what the judge gets', async () => {
    const folder = tempDir()
    const [sender, member, boss] = ['p', 'm', 'boss'].map((name) => join(folder, name)) as [string, string, string]
    const [sends, deeds, orders] = [openJournal(sender), openJournal(member), openJournal(boss)]
    sends.began(4)
    sends.acknowledged(0, { partition: 0, offset: 0 })
    sends.acknowledged(1, { partition: 0, offset: null })
    sends.refused(2, 'not-written')
    sends.refused(3, 'unknown')
    const effect = { begunAt: 1, partition: 0, source: 'p', key: 'k' }
    deeds.handled({ ...effect, offset: 0, number: 0 })
    deeds.handled({ ...effect, offset: 1, number: 1 })
    orders.position(0, 2)
    const notes = { senders: [sender], members: [boss, member] }
    const clean = await judgeRun({ ...notes, log: logOf(0, 1) })
    expect(clean.findings).toEqual([])
    expect(clean.counts).toEqual({ acknowledged: 2, failed: 2, stored: 2, handled: 2, excused: 0, handedOver: 0 })
    const guilty = await judgeRun({ ...notes, log: logOf(0, 2) })
    expect(guilty.findings.map(({ crime }) => crime)).toEqual(expect.arrayContaining(['failed-seen', 'unseen', 'lost']))
  })

  it('a process that notes down its own death explains repeats as a kill from outside does', async () => {
    const sender = file('p', ['b 1 1', 'a 2 0 0 0'])
    const second = file('second', ['h 9 9 0 0 p 0 k'])
    for (const [first, boss] of [
      [file('first', ['h 3 3 0 0 p 0 k', 'd 4 ']), file('boss', [])],
      [file('first', ['h 3 3 0 0 p 0 k']), file('boss', ['d 4 first'])],
    ] as const) {
      const { findings, counts } = await judgeRun({ senders: [sender], members: [boss, first, second], log: logOf(0) })
      expect([findings, counts.excused]).toEqual([[], 1])
    }
    const alive = file('first', ['h 3 3 0 0 p 0 k'])
    appendFileSync(alive, 'd 4')
    const { findings } = await judgeRun({ senders: [sender], members: [alive, second], log: logOf(0) })
    expect(findings.map(({ crime }) => crime)).toEqual(['repeated'])
  })
})
