import { describe, expect, it } from '@jest/globals'
import { createScriptedCore, TOPIC } from './scripted-member.ts'

describe('a lost position on a scripted broker', () => {
  async function setUp() {
    const scripted = await createScriptedCore({ partitions: 2 })
    scripted.append(0, 'a', 'b', 'c', 'd')
    scripted.append(1, 'other')
    await scripted.core.groups.reset('g', 't', { to: { offsets: { 0: 1 } } })
    scripted.broker.expire('t', 0, 3)
    return scripted
  }

  it('earliest-goes-on-at-the-first-record-left-and-reports-the-loss-as-an-error', async () => {
    const { broker, group, subscribe, logged } = await setUp()
    const seen: string[] = []
    await subscribe({}, ({ value }) => void seen.push(value))
    await broker.clock.advance(1_000)
    expect([seen.toSorted(), group.positions]).toEqual([
      ['d', 'other'],
      [4, 1],
    ])
    const told = logged.filter((line) => line.startsWith('error') && line.includes('position lost'))
    expect(told).toEqual([expect.stringContaining('"partition":0,"position":1,"first":3')])
  })

  it('stop-fails-the-subscription-handles-nothing-there-and-commits-nothing', async () => {
    const { broker, group, subscribe, core } = await setUp()
    const seen: string[] = []
    const subscribeAgain = () => subscribe({ onPositionLost: 'stop' }, ({ value }) => void seen.push(value))
    for (let n = 0; n < 2; n++) {
      const subscription = await subscribeAgain()
      await expect(subscription.done).rejects.toMatchObject({
        code: 'ERR_POSITION_LOST',
        details: { group: 'g', topic: 't', partition: 0, position: 1, first: 3 },
      })
      await broker.clock.advance(1_000)
      expect([seen.includes('d'), group.positions[0], subscription.status().state]).toEqual([false, 1, 'FAILED'])
    }
    // Mended by hand, it goes on.
    await core.groups.reset('g', 't', { to: 'earliest' })
    await subscribeAgain()
    await broker.clock.advance(1_000)
    expect(seen).toContain('d')
  })

  it('a-subscription-that-fails-while-it-is-being-opened-tells-by-done-and-leaves', async () => {
    const { broker, group, core } = await setUp()
    // It is assigned and fails while it still looks for a replay.
    const release = broker.hold('describeTopic drawbridge.replays')
    let handedOut = false
    const opening = core.subscribe(TOPIC, { group: 'g', onPositionLost: 'stop' }, () => undefined)
    void opening.then(() => (handedOut = true))
    await broker.clock.settle()
    expect([handedOut, group.describe().members.length]).toEqual([false, 1])
    release()
    const subscription = await opening
    await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_POSITION_LOST' })
    await broker.clock.settle()
    expect([subscription.status().state, group.describe().members]).toEqual(['FAILED', []])
  })

  it('a-position-passed-while-it-is-held-is-reported-by-either-policy', async () => {
    for (const onPositionLost of ['earliest', 'stop'] as const) {
      const { broker, group, append, subscribe, logged } = await createScriptedCore()
      const seen: string[] = []
      const subscription = await subscribe({ onPositionLost }, ({ value }) => void seen.push(value))
      append(0, 'a')
      await broker.clock.advance(1_000)
      // The next records were appended and passed before anybody could read them.
      broker.log.topic('t').partitions[0]!.end = 5
      broker.expire('t', 0, 5)
      append(0, 'f')
      await broker.clock.advance(1_000)
      if (onPositionLost === 'earliest') {
        expect([seen, group.positions, subscription.status().state]).toEqual([['a', 'f'], [6], 'RUNNING'])
        expect(logged.filter((line) => line.includes('position lost'))).toHaveLength(1)
      } else {
        await expect(subscription.done).rejects.toMatchObject({ code: 'ERR_POSITION_LOST' })
        expect([seen, group.positions]).toEqual([['a'], [1]])
      }
    }
  })
})
