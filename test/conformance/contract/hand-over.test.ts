import { expect } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { gate } from '../steps.ts'
import { type MemberEvent, startMember } from './member-process.ts'
import { appendTexts, codeOf, createTopic, lagOf, numbered, positionsOf, refusal, settled } from './records.ts'

/** Longer than a heartbeat and shorter than a session of any backend: a handler that takes its time. */
const SLOW_HANDLER_MS = 10_000

onEveryBackend('contract hand-over', ({ it, open, join, name, url }) => {
  it('a-partition-goes-over-in-two-steps-also-when-its-handler-takes-ten-seconds', async () => {
    const [first, second] = [await open(), await open()]
    const [topic, group] = [await createTopic(first, name('t'), 2), name('g')]
    for (const partition of [0, 1]) await appendTexts(first, topic, numbered(`p${partition}`, 4), partition)
    const told: string[] = []
    const revoking = gate()
    const holder = await join(first, {
      group,
      topic,
      async onRevoke(partitions, member) {
        for (const partition of partitions) {
          await eventually(() => member.drained.includes(partition), settled('the pending pull has resolved to []'))
          // At the test's end, too, the holder is asked to let go.
          if (told.length > 0) return
          revoking.open()
          // The time itself is what is tested: nobody may lose patience within it.
          await new Promise((resolve) => setTimeout(resolve, SLOW_HANDLER_MS))
          const offsets = member.records.filter((record) => record.partition === partition).map(({ offset }) => offset)
          await member.feed.commit(partition, offsets[2] ?? -1)
          told.push(`committed ${partition} inside`)
        }
      },
    })
    await eventually(() => holder.records.length === 8, settled('the holder has pulled all'))
    const joined = await join(second, { group, topic })
    await revoking.opened
    await eventually(() => {
      if (joined.assignments.length > 0) told.push('second assigned')
      return joined.records.length > 0
    }, settled('the new member gets its share'))
    const moved = joined.held()
    expect(moved).toHaveLength(1)
    const partition = moved[0] ?? -1
    // Only after the commit, and from there.
    expect(told[0]).toBe(`committed ${partition} inside`)
    await eventually(() => joined.records.length === 2, settled('it goes on at the committed position'))
    expect(joined.values()).toEqual(numbered(`p${partition}`, 4).slice(2))
    expect(joined.assignments).toEqual([{ partition, position: joined.records[0]?.offset }])
    const position = joined.records[0]?.offset ?? -1
    expect((await refusal(holder.feed.commit(partition, position + 1))).code).toBe('ERR_FENCED')
    expect((await positionsOf(second, group, topic))[partition]).toBe(position)
    expect(await holder.feed.pull(partition)).toEqual([])
    expect([holder.lost, holder.failures, joined.failures]).toEqual([[], [], []])
    expect(holder.held()).toEqual([1 - partition])
  }, 180_000)

  it('what-is-not-moved-goes-on-during-a-hand-over', async () => {
    const [first, second] = [await open(), await open()]
    const [topic, group] = [await createTopic(first, name('t'), 2), name('g')]
    const { opened, open: release } = gate()
    const holder = await join(first, { group, topic, commit: true, onRevoke: () => opened })
    await eventually(() => holder.held().length === 2, settled('the first member holds both'))
    const joining = join(second, { group, topic, commit: true })
    for (const partition of [0, 1]) await appendTexts(first, topic, [`p${partition}`], partition)
    // Whichever stays: its record is handled while the other one waits for the hand-over, or both before it.
    await eventually(() => holder.records.length >= 1, settled('a partition goes on'))
    release()
    const joined = await joining
    await eventually(() => holder.held().length === 1 && joined.held().length === 1, settled('one partition each'))
    await eventually(async () => (await lagOf(first, group, topic)) === 0, settled('both are handled'))
    expect([...holder.values(), ...joined.values()].toSorted()).toEqual(['p0', 'p1'])
  }, 180_000)

  it('a-leaving-member-revokes-first-and-its-partitions-go-to-the-others', async () => {
    const [first, second] = [await open(), await open()]
    const [topic, group] = [await createTopic(first, name('t'), 4), name('g')]
    const committed: number[] = []
    const leaving = await join(first, {
      group,
      topic,
      async onRevoke(partitions, member) {
        for (const partition of partitions) {
          const offset = member.records.findLast((record) => record.partition === partition)?.offset
          if (offset === undefined) continue
          await member.feed.commit(partition, offset + 1)
          committed.push(partition)
        }
      },
    })
    const staying = await join(second, { group, topic })
    await eventually(() => leaving.held().length === 2 && staying.held().length === 2, settled('two partitions each'))
    const given = leaving.held()
    for (const partition of [0, 1, 2, 3]) await appendTexts(first, topic, [`p${partition}`], partition)
    await eventually(
      () => given.every((p) => leaving.values(p).length === 1),
      settled('the leaving one has its records'),
    )
    await leaving.feed.close()
    expect(committed.toSorted((a, b) => a - b)).toEqual(given)
    expect(leaving.held()).toEqual([])
    expect(leaving.drained).toEqual(expect.arrayContaining([...given]))
    await eventually(() => staying.held().length === 4, settled('the staying one holds all'))
    for (const partition of given) {
      expect(staying.values(partition)).toEqual([])
      expect(staying.assignments.findLast((assignment) => assignment.partition === partition)?.lost).toBeUndefined()
    }
    await leaving.feed.close()
    expect(await codeOf(leaving.feed.commit(given[0] ?? 0, 0))).toMatch(/ERR_FENCED|ERR_CLOSED/)
    expect((await second.describeGroup(group, topic)).members).toEqual([
      { id: staying.feed.memberId, partitions: [0, 1, 2, 3] },
    ])
  }, 180_000)

  it('the-partitions-of-a-killed-process-go-to-the-others-from-its-position', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 3), partition)
    const victim = await startMember({ url: url(), topic, group })
    await eventually(() => victim.values().length === 6, settled('the victim holds everything'))
    const offset = (await backend.describeGroup(group, topic)).positions[0]?.next ?? 0
    victim.process.write(`commit 0 ${offset + 1}\n`)
    await victim.wait('the commit', ({ event, outcome }) => event === 'committed' && outcome === 'ok')
    victim.process.kill('SIGKILL')
    await victim.process.ended
    const heir = await join(backend, { group, topic })
    await eventually(() => heir.records.length === 5, settled('the heir has what was not committed'))
    expect(heir.values(0)).toEqual(['p0-1', 'p0-2'])
    expect(heir.values(1)).toEqual(numbered('p1', 3))
  }, 180_000)

  it('a-member-stopped-past-its-session-changes-nothing-when-it-wakes', async () => {
    const backend = await open()
    const [topic, group] = [await createTopic(backend, name('t'), 2), name('g')]
    for (const partition of [0, 1]) await appendTexts(backend, topic, numbered(`p${partition}`, 5), partition)
    const zombie = await startMember({ url: url(), topic, group })
    await eventually(() => zombie.values().length === 10, settled('the zombie to be holds everything'))
    const first = zombie.events('assigned').map(({ position }) => position ?? -1)
    zombie.process.write(`commit 0 ${(first[0] ?? 0) + 1}\n`)
    await zombie.wait('its commit', ({ event, outcome }) => event === 'committed' && outcome === 'ok')
    zombie.process.kill('SIGSTOP')
    const heir = await join(backend, { group, topic })
    await eventually(() => heir.held().length === 2, settled('the stopped member is expired'))
    await eventually(() => heir.records.length === 9, settled('the heir goes on at the committed positions'))
    expect(heir.values(0)).toEqual(numbered('p0', 5).slice(1))
    const last = heir.records.findLast(({ partition }) => partition === 0)?.offset ?? -1
    await heir.feed.commit(0, last)
    // Both wait in its buffers when it wakes: a record to hand out, a commit to make.
    await appendTexts(backend, topic, ['after'], 0)
    zombie.process.write(`commit 0 ${(first[0] ?? 0) + 2}\n`)
    zombie.process.kill('SIGCONT')
    const commit = await zombie.wait('its late commit', (event) => event.next === (first[0] ?? 0) + 2)
    expect(commit.outcome).toBe('ERR_FENCED')
    expect(commit.doubted).not.toBe(false)
    const lost = await zombie.wait('it learns of the loss', ({ event }) => event === 'lost')
    expect(lost.partitions).toEqual(expect.arrayContaining([0]))
    await eventually(
      () => [0, 1].every((p) => zombie.events('drained').some(({ partition }) => partition === p)),
      settled('its pulls end'),
    )
    expect((await positionsOf(backend, group, topic))[0]).toBe(last)
    // Whoever of the two holds partition 0 from now on has the record that came meanwhile; the zombie only after a rejoin.
    const rejoined = () =>
      zombie
        .events('assigned')
        .slice(2)
        .some(({ partition }) => partition === 0)
    await eventually(
      () => heir.values(0).includes('after') || (rejoined() && zombie.values().includes('after')),
      settled('the record that came meanwhile is handed out'),
    )
    if (!rejoined()) expect(zombie.values()).not.toContain('after')
    // It mends itself: as another member it gets a share again.
    const again = () => zombie.events('assigned').slice(2)
    await eventually(() => again().length > 0 && heir.held().length === 1, settled('it has joined again'))
    const memberOf = ({ member }: MemberEvent) => member
    expect(again().map(memberOf)).not.toContain(zombie.events('assigned').map(memberOf)[0])
  }, 240_000)
})
