import { expect, test } from '@jest/globals'
import type { Cluster } from '../../../../src/backends/kafka/cluster.ts'
import { createCommits } from '../../../../src/backends/kafka/commits.ts'
import { KAFKA } from '../../../../src/backends/kafka/errors.ts'
import type { Membership } from '../../../../src/backends/kafka/membership.ts'

/** A member of generation 1 whose commits meet these answers in turn; `join` ends a join under way. */
function member(...answers: readonly number[]) {
  const left = [...answers]
  const generations: number[] = []
  let generation = 1
  let under: PromiseWithResolvers<void> | undefined
  let verified = 0
  const membership = {
    get identity() {
      return { group: 'g', member: 'm', instance: null, generation }
    },
    joining: () => under?.promise,
    verify: () => void verified++,
  } as unknown as Membership
  const cluster = {
    async toCoordinator() {
      generations.push(generation)
      return new Map([[0, left.shift() ?? KAFKA.NONE]])
    },
  } as unknown as Cluster
  return {
    commits: createCommits(cluster, membership, { group: 'g', topic: 't', lane: 'l' }),
    generations,
    verified: () => verified,
    startJoin: () => void (under = Promise.withResolvers<void>()),
    join() {
      generation++
      under?.resolve()
      under = undefined
    },
  }
}

test('a-commit-overtaken-by-a-join-whose-answer-is-still-on-its-way-is-made-again', async () => {
  const { commits, generations, startJoin, join } = member(KAFKA.ILLEGAL_GENERATION)
  startJoin()
  const committed = commits.commit(0, 5, () => true)
  // The group has gone on already when the member has not heard of it.
  await new Promise(setImmediate)
  join()
  await committed
  expect(generations).toEqual([1, 2])
})

test('a-commit-of-a-former-member-is-fenced-and-the-coordinator-is-asked', async () => {
  for (const error of [KAFKA.ILLEGAL_GENERATION, KAFKA.UNKNOWN_MEMBER_ID]) {
    const { commits, verified } = member(error)
    await expect(commits.commit(0, 5, () => true)).rejects.toMatchObject({ code: 'ERR_FENCED' })
    expect(verified()).toBe(1)
  }
})

test('a-commit-whose-partition-went-with-the-join-is-fenced', async () => {
  const { commits, generations, startJoin, join } = member(KAFKA.ILLEGAL_GENERATION)
  startJoin()
  let mine = true
  const committed = commits.commit(0, 5, () => mine)
  await new Promise(setImmediate)
  mine = false
  join()
  await expect(committed).rejects.toMatchObject({ code: 'ERR_FENCED' })
  expect(generations).toEqual([1])
})
