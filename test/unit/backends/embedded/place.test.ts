import { describe, expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type TestProcess, startProcess } from '../../../kit/process.ts'
import { testUnless } from '../../../kit/skip.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { openStore, record } from './harness.ts'

const NEW_NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const OPENER = fileURLToPath(new URL('./programs/opener.ts', import.meta.url))
const cannotUnshare =
  spawnSync(NEW_NAMESPACE[0] ?? '', [...NEW_NAMESPACE.slice(1), 'true']).status === 0
    ? undefined
    : 'only root may make PID namespaces'

type Said = { opened?: boolean; code?: string; message: string; appended?: number; details: Record<string, unknown> }

function open(dir: string, under: readonly string[] = []): TestProcess {
  return startProcess(OPENER, { args: [dir], under })
}

/** What it says first. */
async function entry(opener: TestProcess): Promise<Said> {
  return opener.message<Said>(({ opened, code }) => opened === true || code !== undefined, 'the store to be opened')
}

async function storeWithTopic(): Promise<string> {
  const dir = join(tempDir(), 'store')
  const backend = await openStore(dir)
  await backend.createTopic({ name: 't', partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
  await backend.append('t', 0, [record('first')])
  await backend.close()
  return dir
}

describe('a store in use', () => {
  testUnless(cannotUnshare, 'is-refused-to-another-pid-namespace-and-free-for-it-once-nobody-uses-it', async () => {
    const dir = await storeWithTopic()
    const container = open(dir, NEW_NAMESPACE)
    expect(await entry(container)).toMatchObject({ opened: true, pid: 1 })
    for (const place of [[], NEW_NAMESPACE, NEW_NAMESPACE]) {
      const refused = await entry(open(dir, place))
      expect(refused).toMatchObject({ code: 'ERR_STORE_FOREIGN', details: { pids: [1], outcome: 'not-written' } })
      expect(refused.message).toContain('another container')
    }
    // Those it was refused to (with the same pid, too) have done it no harm.
    container.write('second\n')
    await container.message<Said>(({ appended }) => appended === 1, 'the append')
    container.kill('SIGKILL')
    await container.ended
    const next = open(dir, NEW_NAMESPACE)
    expect(await entry(next)).toMatchObject({ opened: true })
    next.write('third\n')
    await next.message<Said>(({ appended }) => appended === 2, 'the append')
    next.write('close\n')
    expect((await next.ended).code).toBe(0)
    expect(await entry(open(dir))).toMatchObject({ opened: true })
  })

  testUnless(cannotUnshare, 'is-refused-to-another-machine-and-free-after-a-reboot', async () => {
    const dir = await storeWithTopic()
    const bootId = join(tempDir(), 'boot_id')
    writeFileSync(bootId, '11111111-2222-3333-4444-555555555555\n')
    const mount = `mount --bind ${bootId} /proc/sys/kernel/random/boot_id; exec "$0" "$@"`
    const elsewhere = ['unshare', '--mount', 'sh', '-c', mount]
    const here = open(dir)
    expect(await entry(here)).toMatchObject({ opened: true })
    expect(await entry(open(dir, elsewhere))).toMatchObject({
      code: 'ERR_STORE_FOREIGN',
      message: expect.stringContaining('another machine'),
    })
    here.kill('SIGKILL')
    await here.ended
    expect(await entry(open(dir, elsewhere))).toMatchObject({ opened: true })
  })

  testUnless(cannotUnshare, 'is-shared-by-all-processes-of-one-place', async () => {
    const dir = await storeWithTopic()
    const twins = `"$0" "$@" & exec "$0" "$@"`
    const container = open(dir, [...NEW_NAMESPACE, 'sh', '-c', twins])
    const opened = () => (container.messages() as Said[]).filter(({ opened }) => opened === true).length
    await container.message<Said>(() => opened() === 2, 'both processes of the namespace to open the store')
  })
})
