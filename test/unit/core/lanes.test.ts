import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createLanes } from '../../../src/core/lanes.ts'

interface Job {
  readonly lane: string | null
  readonly number: number
}

describe('lanes', () => {
  it('gives-one-of-a-lane-at-a-time-and-in-order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', null), { maxLength: 100 }),
        fc.infiniteStream(fc.nat()),
        (names, choices) => {
          const lanes = createLanes<Job>()
          const coming = names.map((lane, number) => ({ lane, number }))
          const taken: Job[] = []
          const running: Job[] = []
          for (;;) {
            for (const job of coming.splice(0, choices.next().value % 5)) lanes.add(job)
            for (let job = lanes.take(); job !== undefined; job = lanes.take()) {
              running.push(job)
              taken.push(job)
            }
            const keyed = running.filter(({ lane }) => lane !== null).map(({ lane }) => lane)
            expect(new Set(keyed).size).toBe(keyed.length)
            if (running.length === 0 && coming.length === 0) break
            if (running.length === 0) continue
            const [left] = running.splice(choices.next().value % running.length, 1)
            lanes.leave(left as Job)
          }
          for (const lane of ['a', 'b', 'c', null]) {
            const expected = names.flatMap((name, number) => (name === lane ? [number] : []))
            expect(taken.filter((job) => job.lane === lane).map(({ number }) => number)).toEqual(expected)
          }
        },
      ),
    )
  })

  it('drops all that was not taken', () => {
    const lanes = createLanes<Job>()
    const first = { lane: 'a', number: 0 }
    lanes.add(first)
    lanes.add({ lane: 'a', number: 1 })
    lanes.add({ lane: null, number: 2 })
    expect(lanes.take()).toBe(first)
    lanes.clear()
    lanes.leave(first)
    expect(lanes.take()).toBeUndefined()
  })
})
