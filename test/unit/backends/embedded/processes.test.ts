import { describe, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import type { Backend } from '../../../../src/core/backend.ts'
import { hasCode } from '../../../../src/core/errors.ts'
import { eventually } from '../../../kit/eventually.ts'
import { type TestProcess, startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { joinGroup, openStore, record, values } from './harness.ts'

type Event = { event: string; partition: number; partitions: number[]; outcome: string; offsets: number[] }

function program(name: string, ...args: string[]): TestProcess {
  return startProcess(fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url)), { args })
}

async function storeWithTopic(partitions: number): Promise<{ dir: string; backend: Backend }> {
  const dir = tempDir()
  const backend = await openStore(dir)
  await backend.createTopic({ name: 't', partitions, compact: false, retentionMs: null, retentionBytes: null })
  return { dir, backend }
}

async function startMember(dir: string, partitions: number): Promise<TestProcess> {
  const member = program('member', dir, 't', 'group')
  await eventually(() => events(member, 'assigned').length >= partitions, {
    what: `a process to hold ${partitions} partitions`,
  })
  return member
}

/** Twelve ticks of at least 250 ms. */
const SESSION_MS = 3_000

/** A member stopped while it holds the store's lock expires nobody, itself included; it is let go on until it is caught outside. */
async function stopWithoutTheLock(member: TestProcess, backend: Backend): Promise<number> {
  for (;;) {
    member.kill('SIGSTOP')
    const stopped = performance.now()
    try {
      await backend.append('t', 1, [record('the lock is free')])
      return stopped
    } catch (error) {
      if (!hasCode(error, 'ERR_STORE_BUSY')) throw error
      member.kill('SIGCONT')
    }
  }
}

function events(member: TestProcess, event: string): Event[] {
  return (member.messages() as Event[]).filter((message) => message.event === event)
}

async function readAll(backend: Backend): Promise<{ offsets: number[]; values: string[] }> {
  const to = (await backend.describeTopic('t')).ranges[0]?.end ?? 0
  const reader = await backend.openReader({
    topic: 't',
    ranges: [{ partition: 0, from: 0, to }],
    limits: { maxRecords: 500, maxBytes: 1_000_000 },
  })
  const read = { offsets: [] as number[], values: [] as string[] }
  for (let batch = await reader.pull(0); batch !== null; batch = await reader.pull(0)) {
    read.offsets.push(...batch.map(({ offset }) => offset))
    read.values.push(...(values(batch) ?? []))
  }
  return read
}

describe('two processes on one store', () => {
  it('an-append-wakes-the-other-process', async () => {
    const { dir, backend } = await storeWithTopic(1)
    const member = await startMember(dir, 1)
    await backend.append('t', 0, [record('a')])
    await member.message<Event>(({ event }) => event === 'records', 'the record')
  })

  it('concurrent-appends-to-one-partition-have-gapless-offsets', async () => {
    const { dir, backend } = await storeWithTopic(1)
    const appenders = ['a', 'b'].map((name) => program('appender', dir, 't', '0', name, '200'))
    const ends = await Promise.all(appenders.map(({ ended }) => ended))
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    const { offsets, values } = await readAll(backend)
    expect(offsets).toEqual(Array.from({ length: 400 }, (_, offset) => offset))
    for (const name of ['a', 'b']) {
      const own = values.filter((value) => value.startsWith(name))
      expect(own).toEqual(Array.from({ length: 200 }, (_, number) => `${name} ${number}`))
    }
  })

  it('acknowledged-survives-sigkill-of-the-appender', async () => {
    const { dir, backend } = await storeWithTopic(1)
    const appender = program('appender', dir, 't', '0', 'a')
    await eventually(() => appender.lines.length > 50, { what: 'fifty acknowledged records' })
    appender.kill('SIGKILL')
    await appender.ended
    const acknowledged = appender.messages() as { offset: number; value: string }[]
    // The killed transaction may be complete on disk and not yet announced to readers; the next writer announces it.
    const { firstOffset } = await backend.append('t', 0, [record('after')])
    const { offsets, values } = await readAll(backend)
    expect(acknowledged.filter(({ offset, value }) => values[offset] !== value)).toEqual([])
    expect(firstOffset).toBe(offsets.length - 1)
    expect(values.slice(0, -1)).toEqual(offsets.slice(0, -1).map((offset) => `a ${offset}`))
  })

  it('process-exit-amid-appends-ends-the-process-and-frees-the-store', async () => {
    const dir = tempDir()
    for (let attempt = 0; attempt < 8; attempt += 1) {
      expect(await program('exit', dir).ended).toEqual({ code: 75, signal: null })
    }
    const backend = await openStore(dir)
    const [before] = (await backend.describeTopic('t')).ranges
    expect(await backend.append('t', 0, [record('after')])).toEqual({ firstOffset: before?.end })
  })

  it('a-clean-leave-hands-over-without-waiting-for-a-session-to-end', async () => {
    const { dir, backend } = await storeWithTopic(4)
    const member = await startMember(dir, 4)
    const here = await joinGroup(backend, 't')
    await eventually(() => here.held().length === 2, { what: 'half of the partitions' })
    expect(events(member, 'revoked').flatMap(({ partitions }) => partitions)).toEqual([2, 3])
    member.write('close\n')
    await member.message<Event>(({ event }) => event === 'revoked', 'the revocation')
    const started = performance.now()
    await eventually(() => here.held().length === 4, { what: 'all partitions' })
    expect(performance.now() - started).toBeLessThan(SESSION_MS)
    expect((await member.ended).code).toBe(0)
  })

  it('a-killed-member-is-replaced-within-its-session', async () => {
    const { dir, backend } = await storeWithTopic(2)
    const member = await startMember(dir, 2)
    member.write('commit 0 0\n')
    await member.message<Event>(({ event }) => event === 'committed', 'the commit')
    member.kill('SIGKILL')
    await member.ended
    expect((await backend.describeGroup('group', 't')).members).toEqual([])
    const here = await joinGroup(backend, 't')
    await eventually(() => here.held().length === 2, { what: 'all partitions', timeoutMs: 6_000 })
  })

  it('a-stopped-member-is-expired-after-its-session-and-fenced-when-it-wakes', async () => {
    const { dir, backend } = await storeWithTopic(2)
    const member = await startMember(dir, 2)
    const here = await joinGroup(backend, 't')
    await eventually(() => here.held().length === 1, { what: 'half of the partitions' })
    const stopped = await stopWithoutTheLock(member, backend)
    await eventually(() => here.held().length === 2, { what: 'the stopped member to be expired', timeoutMs: 30_000 })
    expect(performance.now() - stopped).toBeGreaterThan(2_500)
    await here.feed.commit(0, 0)
    member.write('commit 0 5\n')
    member.kill('SIGCONT')
    const commit = await member.message<Event>(({ event }) => event === 'committed', 'the commit')
    expect(commit.outcome).toBe('ERR_FENCED')
    const { partitions } = await member.message<Event>(({ event }) => event === 'lost', 'the loss')
    expect(partitions).toEqual([0])
    expect((await backend.describeGroup('group', 't')).positions[0]?.next).toBe(0)
    // It joins again as a new member and gets its share back.
    await eventually(() => events(member, 'assigned').length === 3, { what: 'the woken member to get a share again' })
  })

  it('a-closed-backend-lets-its-process-exit', async () => {
    const { dir } = await storeWithTopic(1)
    const member = await startMember(dir, 1)
    member.write('close\n')
    await member.message<Event>(({ event }) => event === 'closed', 'the close')
    expect(await member.ended).toEqual({ code: 0, signal: null })
  })
})
