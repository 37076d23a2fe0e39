import { describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { type TestProcess, startProcess } from '../kit/process.ts'
import { testUnless } from '../kit/skip.ts'
import { type Cli, createCli, createOrders, done } from './cli.ts'

type Finding = { check: string; status: string; found: string; next?: string }

const NEW_NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const cannotUnshare =
  spawnSync(NEW_NAMESPACE[0] ?? '', [...NEW_NAMESPACE.slice(1), 'true']).status === 0
    ? undefined
    : 'only root may make PID namespaces'

function program(name: string, args: readonly string[], under: readonly string[] = []): TestProcess {
  return startProcess(resolve(`test/unit/backends/embedded/programs/${name}.ts`), { args, under })
}

async function doctor(cli: Cli): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, stdout } = await cli.run(['doctor', '--json'])
  const findings = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Finding]))
  return { code, findings }
}

async function storeOf(cli: Cli): Promise<string> {
  await createOrders(cli, 1)
  return join(cli.folder, 'store')
}

describe('doctor on an embedded store', () => {
  test('names-who-keeps-the-lock-since-when-and-what-to-do', async () => {
    const cli = createCli()
    const holder = program('lock-holder', [await storeOf(cli)])
    await holder.message<{ locked: boolean }>(({ locked }) => locked, 'the lock')
    holder.kill('SIGSTOP')
    const { code, findings } = await doctor(cli)
    expect(code).toBe(70)
    const lock = findings.find(({ check }) => check === 'lock')
    expect(lock?.status).toBe('fail')
    expect(lock?.found).toMatch(
      new RegExp(
        `kept since \\d{4}-.+Z by process ${holder.pid} \\(node .+lock-holder.ts since \\d{4}-.+Z, stopped\\)`,
      ),
    )
    expect(lock?.next).toContain(`kill -CONT ${holder.pid}`)
    holder.kill('SIGKILL')
    await holder.ended
    const after = await doctor(cli)
    expect([after.code, after.findings.find(({ check }) => check === 'lock')?.status]).toEqual([0, 'ok'])
  })

  test('names-a-reader-that-keeps-an-old-state-and-says-the-sizes', async () => {
    const cli = createCli()
    const reader = program('stale-reader', [await storeOf(cli)])
    await reader.message<{ reading: boolean }>(({ reading }) => reading, 'the read')
    await done(cli.run(['produce', 'shop.orders'], '{"orderId":"o","customerId":"c","total":1}\n'))
    const { code, findings } = await doctor(cli)
    expect(code).toBe(0)
    const found = findings.find(({ check }) => check === 'readers')
    expect(found?.status).toBe('warn')
    expect(found?.found).toMatch(
      new RegExp(`process ${reader.pid} \\(node .+stale-reader.ts .+ [1-9]\\d* transactions old`),
    )
    expect(found?.next).toContain(String(reader.pid))
    expect(findings.find(({ check }) => check === 'users')?.found).toContain(`process ${reader.pid} `)
    expect(findings.find(({ check }) => check === 'size')?.found).toMatch(
      /^\d+ MiB, \d+ MiB of it in use; it may grow to 1048576 MiB$/,
    )
  })

  test('names-members-that-are-stopped-or-dead', async () => {
    const cli = createCli()
    const dir = await storeOf(cli)
    const stopped = program('member', [dir, 'shop.orders', 'sleepers'])
    const dead = program('member', [dir, 'shop.orders', 'departed'])
    for (const member of [stopped, dead]) {
      await member.message<{ event: string }>(({ event }) => event === 'assigned', 'its partition')
    }
    stopped.kill('SIGSTOP')
    dead.kill('SIGKILL')
    await dead.ended
    const { findings } = await doctor(cli)
    const members = findings.filter(({ check }) => check === 'members')
    const of = (group: string) => members.find(({ found }) => found.startsWith(`of group ${group} on shop.orders`))
    expect(of('sleepers')?.found).toMatch(new RegExp(`process ${stopped.pid} \\(node .+member.ts since .+, stopped\\)`))
    expect(of('sleepers')?.next).toContain(`kill -CONT ${stopped.pid}`)
    expect(of('departed')?.found).toContain(`process ${dead.pid} (unknown, gone)`)
    expect(findings.find(({ check }) => check === 'users')?.status).toBe('warn')
  })

  testUnless(cannotUnshare, 'does-not-touch-a-store-in-use-from-another-container', async () => {
    const cli = createCli()
    const dir = await storeOf(cli)
    const container = program('opener', [dir], NEW_NAMESPACE)
    await container.message<{ opened: boolean }>(({ opened }) => opened, 'the store')
    const { code, findings } = await doctor(cli)
    expect(code).toBe(70)
    expect(findings.find(({ check }) => check === 'broker')?.found).toContain('ERR_STORE_FOREIGN')
    expect(findings.map(({ check }) => check)).not.toContain('users')
  })
})
