import { afterEach, describe, expect } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend } from '../../../src/core/backend.ts'
import { createConnections } from '../../../src/backends/rabbitmq/connections.ts'
import { createLeaders } from '../../../src/backends/rabbitmq/leaders.ts'
import { createLooks } from '../../../src/backends/rabbitmq/looks.ts'
import { begin } from '../../../src/backends/rabbitmq/positions.ts'
import { type PRESENCE_TIMES, watchPresence } from '../../../src/backends/rabbitmq/presence.ts'
import { queryOffset } from '../../../src/backends/rabbitmq/protocol/requests.ts'
import { parseRabbitmqUrl } from '../../../src/backends/rabbitmq/url.ts'
import { eventually } from '../../kit/eventually.ts'
import { testUnless } from '../../kit/skip.ts'
import { missing, openLogged, shared, unique } from './broker.ts'

/** The driver's own, 200 times as fast. */
const TIMES: typeof PRESENCE_TIMES = { lookMs: 50, unansweredMs: 200, answeredMs: 300 }
const AWAY_MS = 150

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

function test(name: string, run: () => Promise<void>): void {
  testUnless(missing, name, run)
}

/** A group of members that RabbitMQ tells nothing, on a stream with a record in it. */
async function openGroup() {
  const backend: Backend = await openLogged(shared.url)
  const topic = unique('presence')
  await backend.createTopic({ name: topic, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
  await backend.append(topic, 0, [{ key: null, value: Buffer.from('r'), headers: [], timestamp: 1 }])
  const stream = `${topic}-0`
  const connections = createConnections(parseRabbitmqUrl(shared.url))
  const looks = createLooks(createLeaders(connections))
  const connection = await connections.openStreams('looks on')
  await begin(connection, 'g', stream, 0)
  const ending = new AbortController()
  endings.push(
    () => ending.abort(),
    () => connections.close(),
  )
  /** Who is subscribed at the moment. */
  const present = new Set<number>()
  let left = 0
  let wasEmpty = false

  async function join(member: number, isHeld = false): Promise<void> {
    present.add(member)
    const own = await connections.openStreams(`member ${member}`)
    const comeAgain = async () => {
      left++
      present.delete(member)
      wasEmpty ||= present.size === 0
      await sleep(AWAY_MS)
      present.add(member)
    }
    watchPresence({
      connection: own,
      looks,
      group: 'g',
      times: TIMES,
      signal: ending.signal,
      partitions: () => (present.has(member) ? [{ partition: 0, stream, isHeld }] : []),
      onUnheld: () => void comeAgain(),
    })
  }

  return {
    join,
    question: () => queryOffset(connection, 'g#who', stream),
    answer: () => queryOffset(connection, 'g#here', stream),
    moveTo: (next: number) => begin(connection, 'g', stream, next),
    left: () => left,
    wasEmpty: () => wasEmpty,
  }
}

describe('members that read a partition of which RabbitMQ has forgotten to whom it is', () => {
  test('all-leave-it-at-one-time-whenever-each-of-them-came', async () => {
    const group = await openGroup()
    for (let member = 0; member < 10; member++) {
      await group.join(member)
      await sleep(AWAY_MS / 4)
    }
    await eventually(group.wasEmpty, { what: 'the partition is left by all' })
  })

  test('stay-as-long-as-somebody-answers', async () => {
    const group = await openGroup()
    await group.join(0, true)
    for (const member of [1, 2, 3]) await group.join(member)
    const asked = new Set<bigint>()
    await eventually(
      async () => {
        const question = await group.question()
        if (question !== undefined && question === (await group.answer())) asked.add(question)
        return asked.size === 5
      },
      { what: 'five questions are answered' },
    )
    expect(group.left()).toBe(0)
  })

  test('ask-nothing-where-nothing-waits', async () => {
    const group = await openGroup()
    await group.moveTo(1)
    await group.join(1)
    // Where something waits, members have asked and left three times by then.
    const other = await openGroup()
    await other.join(1)
    for (let round = 0; round < 3; round++) {
      const left = other.left()
      await eventually(() => other.left() > left, { what: 'others have asked and left' })
    }
    expect(await group.question()).toBeUndefined()
  })
})
