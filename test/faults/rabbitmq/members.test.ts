import { describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { queryOffset } from '../../../src/backends/rabbitmq/protocol/requests.ts'
import { eventually } from '../../kit/eventually.ts'
import { joinGroup } from '../../kit/group-member.ts'
import { report, soakScale } from '../../kit/soak-scale.ts'
import { testUnless } from '../../kit/skip.ts'
import { busyMembers } from '../../promises/crew.ts'
import { atEnd, missing, openLogged, openOnlooker, shared } from './broker.ts'
import { openNetwork, runFault } from './run.ts'

const SCALE = soakScale('rabbitmq-members', {
  short: { times: 1, perSecond: 500 },
  // Each round lasts until RabbitMQ has missed the heartbeats of the one that is stopped: 30 s and more.
  full: { times: 30, perSecond: 2_000 },
})
const TIMEOUT_MS = 3_600_000
const SHARED_WITHIN_MS = 10_000

describe('members of a RabbitMQ group', () => {
  testUnless(missing, 'three-members-share-six-partitions-evenly-within-ten-seconds', async () => {
    const backend = await openLogged(shared.url)
    const topic = `share-${randomBytes(4).toString('hex')}`
    await backend.createTopic({ name: topic, partitions: 6, compact: false, retentionMs: null, retentionBytes: null })
    const first = await joinGroup(backend, { group: 'g', topic })
    await eventually(() => first.held().length === 6, { what: 'the first member has all partitions' })
    const others = await Promise.all(
      [1, 2].map(async () => joinGroup(await openLogged(shared.url), { group: 'g', topic })),
    )
    const members = [first, ...others]
    await eventually(() => members.every((member) => member.held().length === 2), {
      what: 'three members have two partitions each',
      timeoutMs: SHARED_WITHIN_MS,
    })
    // And again when one has gone.
    await others[0]?.feed.close()
    await eventually(() => first.held().length + (others[1]?.held().length ?? 0) === 6, {
      what: 'two members have all six partitions',
      timeoutMs: SHARED_WITHIN_MS,
    })
    expect(members.flatMap(({ breaches }) => breaches)).toEqual([])
    await Promise.all([first, ...others.slice(1)].map((member) => member.feed.close()))
    await eventually(() => backend.deleteTopic(topic).then(() => true), {
      what: 'the group counts as gone',
      timeoutMs: 60_000,
    })
  })

  testUnless(missing, 'a-member-that-loses-one-of-its-connections-goes-on-with-all-its-partitions', async () => {
    const network = await openNetwork(shared.url)
    atEnd(() => network.close())
    const direct = await openLogged(shared.url)
    const topic = `line-${randomBytes(4).toString('hex')}`
    const partitions = [0, 1, 2, 3]
    const append = (text: string) =>
      Promise.all(
        partitions.map((partition) =>
          direct.append(topic, partition, [{ key: null, value: Buffer.from(text), headers: [], timestamp: 1 }]),
        ),
      )
    const spec = { partitions: partitions.length, compact: false, retentionMs: null, retentionBytes: null }
    await direct.createTopic({ name: topic, ...spec })
    const member = await joinGroup(await openLogged(network.url), { group: 'g', topic, commit: true })
    const hasAll = (text: string) => partitions.every((partition) => member.values(partition).includes(text))
    const isCommitted = async () => (await direct.describeGroup('g', topic)).positions.every(({ lag }) => lag === 0)
    await eventually(() => member.held().length === partitions.length, { what: 'the member has all partitions' })
    await append('before')
    await eventually(() => hasAll('before'), { what: 'all partitions are read' })
    await eventually(isCommitted, { what: 'all positions are committed' })
    const { memberId } = member.feed
    network.cutNewest()
    await eventually(() => member.lost.length > 0 && member.held().length === partitions.length, {
      what: 'the member has come again',
    })
    await append('after')
    await eventually(() => hasAll('after'), { what: 'all partitions are read again' })
    await eventually(isCommitted, { what: 'all positions are committed again' })
    expect([...member.lost].sort((a, b) => a - b)).toEqual(partitions)
    expect(member.feed.memberId).not.toBe(memberId)
    // From where they were committed: nothing came twice.
    expect(member.records.length).toBe(2 * partitions.length)
    expect(member.breaches).toEqual([])
    expect(member.failures).toEqual([])
    await member.feed.close()
  })

  testUnless(missing, 'a-member-that-makes-no-progress-answers-for-its-partition', async () => {
    const backend = await openLogged(shared.url)
    const topic = `slow-${randomBytes(4).toString('hex')}`
    await backend.createTopic({ name: topic, partitions: 2, compact: false, retentionMs: null, retentionBytes: null })
    const records = [{ key: null, value: Buffer.from('r'), headers: [], timestamp: 1 }]
    for (const partition of [0, 1]) await backend.append(topic, partition, records)
    const members = await Promise.all([1, 2].map(() => joinGroup(backend, { group: 'g', topic })))
    await eventually(() => members.every((member) => member.held().length === 1), { what: 'each holds one' })
    const told = () => members.map(({ held, assignments, lost, revoked }) => [held(), assignments, lost, revoked])
    const before = structuredClone(told())
    const onlooker = await openOnlooker(shared.url)
    const isAnswered = async (stream: string) => {
      const [asked, answered] = await Promise.all(['g#who', 'g#here'].map((at) => queryOffset(onlooker, at, stream)))
      return asked !== undefined && asked === answered
    }
    for (const partition of [0, 1])
      await eventually(() => isAnswered(`${topic}-${partition}`), {
        what: `who holds partition ${partition} is asked and answered`,
        timeoutMs: 120_000,
      })
    await onlooker.close()
    expect(told()).toEqual(before)
    for (const member of members) await member.feed.close()
  })

  testUnless(
    missing,
    'nothing-is-lost-when-active-members-are-killed-and-stopped',
    async () => {
      let busy = 0
      const run = { direct: shared.url, members: 3, perSecond: SCALE.perSecond }
      const { findings, counts } = await runFault(run, async (crew) => {
        for (let time = 0; time < SCALE.times; time++) {
          const alive = crew.members.filter(({ isOver }) => !isOver())
          const [stopped, killed] = [alive[time % alive.length], alive[(time + 1) % alive.length]]
          if (stopped === undefined || killed === undefined) throw new Error('too few members')
          for (const member of [stopped, killed]) await crew.underLoad(member)
          // Stopped for longer than the broker waits for a heartbeat, so its partitions go to others.
          crew.journal.disturbed(stopped.name)
          stopped.process.kill('SIGSTOP')
          await killed.kill()
          const successor = crew.startMember()
          await crew.underLoad(successor, 10_000)
          await eventually(async () => (await crew.lag()) < SCALE.perSecond, {
            what: 'others have the partitions of the stopped member',
            timeoutMs: 300_000,
            intervalMs: 200,
          })
          stopped.process.kill('SIGCONT')
          crew.journal.woken(stopped.name)
          await crew.underLoad(stopped, 2_000)
        }
        busy = busyMembers(crew).length
      })
      report(`rabbitmq members: ${JSON.stringify(counts)}; findings: ${JSON.stringify(findings)}`)
      expect(findings).toEqual([])
      expect(busy).toBe(3 + SCALE.times)
    },
    TIMEOUT_MS,
  )
})
