import { describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openBackend } from '../../../../src/backends/open.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { runProcess, startProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { openStore, record } from './harness.ts'

function program(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url))
}

describe('a store another process has locked', () => {
  it('is-busy-by-that-process-and-what-was-withdrawn-is-never-written', async () => {
    const dir = tempDir()
    const backend = await openStore(dir)
    await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
    const holder = startProcess(program('lock-holder'), { args: [dir] })
    await holder.message<{ locked: boolean }>(({ locked }) => locked, 'the lock')
    // The first is what the writer thread hangs in, the second waits behind it.
    const appends = await Promise.allSettled([
      backend.append('t', 0, [record('a')]),
      backend.append('t', 0, [record('b')]),
    ])
    for (const append of appends) {
      expect(append).toMatchObject({
        reason: { code: 'ERR_STORE_BUSY', details: { pid: holder.pid, outcome: 'not-written' } },
      })
    }
    expect(await backend.listTopics()).toEqual(['t'])
    await expect(openBackend(`embedded:${dir}`, { log: silentLog })).rejects.toMatchObject({ code: 'ERR_STORE_BUSY' })
    holder.kill('SIGKILL')
    await holder.ended
    expect(await backend.append('t', 0, [record('c')])).toEqual({ firstOffset: 0 })
  })
})

describe('an open that was given up', () => {
  it('gets-the-lock-after-all-and-lets-go-of-everything-once', async () => {
    const dir = tempDir()
    const holder = startProcess(program('lock-holder'), { args: [dir] })
    await holder.message<{ locked: boolean }>(({ locked }) => locked, 'the lock')
    const late = startProcess(program('late-lock'), { args: [dir] })
    await late.message<{ code: string }>(({ code }) => code === 'ERR_STORE_BUSY', 'the refusal')
    holder.kill('SIGKILL')
    // A descriptor closed twice may be another file's by then; Node warns of it.
    expect([await late.ended, late.stderr()]).toEqual([{ code: 0, signal: null }, ''])
  })
})

describe('a store without room', () => {
  it('refuses-as-not-written-and-loses-nothing-acknowledged', async () => {
    // A limit on the size of a file stands for a full disk, as only root could mount a small one.
    const command = 'ulimit -f 3000; exec "$0" "$@"'
    const child = spawn('sh', ['-c', command, process.execPath, program('fill'), tempDir()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
    const { acknowledged, full, code, outcome } = JSON.parse(output) as Record<string, unknown>
    expect({ full, code, outcome }).toEqual({ full: acknowledged, code: 'ERR_STORE_FULL', outcome: 'not-written' })
    expect(acknowledged).toBeGreaterThan(10)
  })
})

describe('a store of another format', () => {
  it('is-refused-with-what-to-do', async () => {
    const dir = tempDir()
    await runProcess(program('newer-format'), { args: [dir] })
    await expect(openBackend(`embedded:${dir}`, { log: silentLog })).rejects.toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: expect.stringContaining('use the version that wrote it'),
    })
  })
})

describe('a writer thread that dies', () => {
  it('fails-what-is-under-way-and-lets-the-process-end', async () => {
    const { code, stdout, stderr } = await runProcess(program('writer-death'), { args: [tempDir()] })
    expect(stderr).toBe('')
    const outcome = JSON.parse(stdout) as Record<string, string>
    expect(outcome).toMatchObject({
      failed: 'ERR_STORE_FAILED unknown',
      read: 'ERR_STORE_FAILED unknown',
      later: 'ERR_STORE_FAILED not-written',
    })
    // Killed before, in or after the transaction: each has its own truth.
    expect(outcome['pending']).toMatch(/^(written|ERR_STORE_FAILED (unknown|not-written))$/)
    expect(code).toBe(0)
  })
})
