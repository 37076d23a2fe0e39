import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createAckTracker } from '../../../src/core/ack-tracker.ts'

describe('ack-tracker', () => {
  it('position-never-passes-an-unfinished-record', () => {
    const gapsAndOrder = fc
      .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 200 })
      .chain((gaps) => fc.tuple(fc.constant(gaps), fc.shuffledSubarray([...gaps.keys()])))
    fc.assert(
      fc.property(fc.nat(1000), gapsAndOrder, (start, [gaps, order]) => {
        const tracker = createAckTracker(start)
        let offset = start - 1
        const tickets = gaps.map((gap) => ({ offset: (offset += gap), bytes: 10, finished: false }))
        tickets.forEach(tracker.add)
        for (const index of order) {
          tracker.finish(tickets[index] as (typeof tickets)[number])
          const open = tickets.findIndex((ticket) => !ticket.finished)
          const done = open === -1 ? tickets : tickets.slice(0, open)
          expect(tracker.position()).toBe(done.length === 0 ? start : (done.at(-1)?.offset ?? 0) + 1)
          expect(tracker.held()).toEqual({
            records: tickets.length - done.length,
            bytes: 10 * (tickets.length - done.length),
          })
          expect(tracker.oldest()).toBe(open === -1 ? undefined : tickets[open])
        }
      }),
    )
  })

  it('goes on after many thousand records without keeping them', () => {
    const tracker = createAckTracker(0)
    for (let offset = 0; offset < 10_000; offset++) {
      const ticket = { offset, bytes: 1, finished: false }
      tracker.add(ticket)
      tracker.finish(ticket)
    }
    expect(tracker.position()).toBe(10_000)
    expect(tracker.held()).toEqual({ records: 0, bytes: 0 })
  })
})
