import { describe, expect, it } from '@jest/globals'
import { type Lines, lineOf } from '../../../../src/backends/rabbitmq/lines.ts'

/** As many as a member has of a topic of so many partitions; only their identity matters. */
function linesOf(count: number): Lines {
  return Array.from({ length: count }, () => ({})) as unknown as Lines
}

describe('the lines of a RabbitMQ member', () => {
  it('up-to-eight-partitions-have-a-line-each', () => {
    for (let partitions = 1; partitions <= 8; partitions++) {
      const lines = linesOf(partitions)
      const used = Array.from({ length: partitions }, (_, partition) => lineOf(lines, partition, partitions))
      expect(new Set(used).size).toBe(partitions)
    }
  })

  it('more-partitions-are-spread-evenly', () => {
    const lines = linesOf(8)
    const counts = new Map<unknown, number>()
    for (let partition = 0; partition < 20; partition++) {
      const line = lineOf(lines, partition, 20)
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
    expect([...counts.values()].sort((a, b) => a - b)).toEqual([2, 2, 2, 2, 3, 3, 3, 3])
  })

  // RabbitMQ makes the member that came i-th active on the partitions i, i + members, i + 2 * members...
  it('partitions-of-one-member-do-not-share-a-line-as-long-as-there-are-enough', () => {
    const lines = linesOf(8)
    for (const members of [2, 4, 8]) {
      const active = Array.from({ length: 16 / members }, (_, n) => lineOf(lines, n * members, 16))
      expect(new Set(active).size).toBe(16 / members)
    }
  })
})
