import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fileName, type Range, readLedger, removeParts, uncovered } from '../../../../connectors/file-sink/ledger.ts'

const place = { topic: 'shop.orders', incarnation: 'a-b-c', format: 'csv' }
const messages = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ offset: from + index }))

test('names sort as offsets do and are read back; foreign files and parts are not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-ledger-'))
  const names = [
    fileName(place, 0, { from: 0, to: 500 }),
    fileName(place, 0, { from: 500, to: 1_000 }),
    fileName({ ...place, format: 'jsonl' }, 12, { from: 7, to: 8 }),
  ]
  for (const name of [
    ...names,
    `.${names[0]}.x.part`,
    `shop.orders-other-0-${'0'.repeat(16)}-${'9'.repeat(16)}.csv`,
    'notes.txt',
  ])
    writeFileSync(join(folder, name), '')
  expect([...names].sort()).toEqual(names)
  expect(Object.fromEntries(await readLedger(folder, place))).toEqual({
    0: [
      { from: 0, to: 500 },
      { from: 500, to: 1_000 },
    ],
    12: [{ from: 7, to: 8 }],
  })
  expect(await removeParts(folder, place)).toBe(1)
  expect(await removeParts(folder, place)).toBe(0)
  rmSync(folder, { recursive: true })
})

test('a batch around a finished file becomes two runs', () => {
  const runs = uncovered(messages(50, 300), [{ from: 100, to: 200 }])
  expect(runs.map((run) => [run[0]?.offset, run.at(-1)?.offset])).toEqual([
    [50, 99],
    [200, 299],
  ])
})

test('what is left is exactly what no file covers, in runs whose names overlap no file', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 6 })), { maxLength: 6 }),
      (present, steps) => {
        const batch = present.flatMap((there, offset) => (there ? [{ offset }] : []))
        let end = 0
        const written: Range[] = steps.map(([gap, length]) => {
          const from = end + gap
          end = from + length
          return { from, to: end }
        })
        const covered = (offset: number) => written.some(({ from, to }) => from <= offset && offset < to)
        const runs = uncovered(batch, written)
        expect(runs.flat()).toEqual(batch.filter(({ offset }) => !covered(offset)))
        for (const run of runs) {
          const [from, to] = [run[0]?.offset ?? 0, (run.at(-1)?.offset ?? 0) + 1]
          expect(written.filter((one) => one.from < to && from < one.to)).toEqual([])
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
