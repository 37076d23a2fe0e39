import { describe, expect, it } from '@jest/globals'
import { DrawbridgeError } from '../../../src/core/errors.ts'
import { KEPT_FOR_EVER } from '../../../src/core/topic-spec.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { createScriptedBroker } from '../../kit/scripted-backend.ts'

const record = (text: string) => ({ key: null, value: Buffer.from(text), headers: [], timestamp: 0 })

async function setUp(partitions = 2) {
  const broker = createScriptedBroker()
  const backend = broker.open()
  await backend.createTopic({ name: 't', partitions, ...KEPT_FOR_EVER })
  return { broker, backend, group: broker.group('g', 't') }
}

describe('scripted broker', () => {
  it('fails the calls it is told to, before they do anything, and no other', async () => {
    const { broker, backend } = await setUp()
    broker.fail('append t 0', new Error('no disk'), 2)
    for (let n = 0; n < 2; n++) await expect(backend.append('t', 0, [record('a')])).rejects.toThrow('no disk')
    expect(await backend.append('t', 1, [record('b')])).toEqual({ firstOffset: 0 })
    expect(await backend.append('t', 0, [record('c'), record('d')])).toEqual({ firstOffset: 0 })
    expect((await backend.describeTopic('t')).ranges.map(({ end }) => end)).toEqual([2, 1])
    expect(broker.calls.filter((call) => call.startsWith('append'))).toEqual([
      'append t 0 1',
      'append t 0 1',
      'append t 1 1',
      'append t 0 2',
    ])
  })

  it('holds calls until it is told to let them go', async () => {
    const { broker, backend } = await setUp()
    const release = broker.hold('append t')
    const appending = backend.append('t', 0, [record('a')])
    await broker.clock.settle()
    expect((await backend.describeTopic('t')).ranges[0]?.end).toBe(0)
    release()
    expect(await appending).toEqual({ firstOffset: 0 })
  })

  it('revokes in two steps: commits go through within, and are fenced behind', async () => {
    const { broker, backend, group } = await setUp()
    await backend.append('t', 0, [record('a')])
    const member = await joinGroup(backend, {
      group: 'g',
      topic: 't',
      onRevoke: async ([partition = -1], { feed }) => feed.commit(partition, 1),
    })
    await eventually(() => member.records.length === 1, { what: 'the record comes' })
    await group.revoke([0])
    expect([group.positions, member.held(), member.drained]).toEqual([[1, 0], [1], [0]])
    await expect(member.feed.commit(0, 0)).rejects.toMatchObject({ code: 'ERR_FENCED' })
    group.assign()
    expect([member.held(), member.assignments.at(-1)]).toEqual([[0, 1], { partition: 0, position: 1 }])
    expect(member.breaches).toEqual([])
    expect(broker.calls).toContain('commit t 0 1')
  })

  it('takes partitions without asking: what is under way is fenced', async () => {
    const { broker, backend, group } = await setUp()
    const member = await joinGroup(backend, { group: 'g', topic: 't' })
    await eventually(() => member.held().length === 2, { what: 'both are held' })
    const release = broker.hold('commit')
    const committing = member.feed.commit(0, 1)
    group.lose([0])
    release()
    await expect(committing).rejects.toMatchObject({ code: 'ERR_FENCED' })
    expect([group.positions, member.held(), member.lost]).toEqual([[0, 0], [1], [0]])
  })

  it('tells of a position that retention passed, held or not', async () => {
    const { broker, backend, group } = await setUp(1)
    await backend.append('t', 0, ['a', 'b', 'c', 'd'].map(record))
    await backend.resetGroup('g', 't', [1])
    broker.expire('t', 0, 2)
    const limits = { maxRecords: 1, maxBytes: 1_000 }
    const member = await joinGroup(backend, { group: 'g', topic: 't', limits, pull: false })
    await eventually(() => member.held().length === 1, { what: 'it is assigned' })
    expect(member.assignments).toEqual([{ partition: 0, position: 2, lost: { position: 1 } }])
    await member.feed.commit(0, 2)
    broker.expire('t', 0, 3)
    expect([member.lost, member.assignments.at(-1)]).toEqual([
      [0],
      { partition: 0, position: 3, lost: { position: 2 } },
    ])
    expect((await member.feed.pull(0)).map(({ value }) => String(value))).toEqual(['d'])
    expect([group.describe().positions, member.breaches]).toEqual([[{ next: 2, end: 4, lag: 1 }], []])
  })

  it('fails feeds, and gives partitions to who is left', async () => {
    const { broker, backend, group } = await setUp()
    const first = await joinGroup(backend, { group: 'g', topic: 't' })
    const second = await joinGroup(broker.open(), { group: 'g', topic: 't' })
    await eventually(() => first.held().length === 2, { what: 'the first holds both' })
    expect(second.held()).toEqual([])
    await backend.close()
    expect([first.held(), second.held()]).toEqual([[], [0, 1]])
    group.fail(new DrawbridgeError('ERR_STORE_FAILED', 'broken'))
    expect(second.failures).toMatchObject([{ code: 'ERR_STORE_FAILED' }])
    expect(await second.feed.pull(0)).toEqual([])
  })
})
