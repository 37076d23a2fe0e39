import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { runConnectors } from '../../src/connect/supervisor.ts'
import type { ConnectorEvent, ConnectorStatus } from '../../src/connect/status.ts'
import { textSchema } from './kit/airports.ts'
import { createFolder, run, until } from './kit/run.ts'
import { fillTopic } from './kit/topic.ts'

const SUPERVISE = fileURLToPath(new URL('./kit/supervise.ts', import.meta.url))
const SECRET = `whsec_${Buffer.from('the secret that nobody may see!!').toString('base64')}`

const listener = (name: string) => `name: ${name}
type: webhook-source
topic: t-${name}
config: { port: 0, value: envelope, verify: { scheme: github, secrets: [the-github-secret] } }
`

/** A supervisor in a process of its own; its events as they come. */
function supervise(
  folder: { readonly path: string; readonly brokerUrl: string },
  yaml: string,
  drainTimeoutMs = 10_000,
) {
  const file = join(folder.path, 'connectors.yaml')
  writeFileSync(file, yaml)
  const child = spawn(process.execPath, [SUPERVISE, file, folder.brokerUrl, String(drainTimeoutMs)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const statuses = new Map<string, ConnectorStatus>()
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += String(chunk)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { status } = JSON.parse(line) as ConnectorEvent
    statuses.set(status.name, status)
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  return { child, statuses, ended, errors: () => errors }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a killed connector is restarted with backoff, its neighbour runs on undisturbed', async () => {
  const folder = createFolder()
  const running = await run(folder, `${listener('a')}---\n${listener('b')}`, { restart: { minDelayMs: 20 } })
  const [a, b] = await Promise.all(['a', 'b'].map((name) => running.until(name, ({ state }) => state === 'RUNNING')))
  process.kill(a?.pid ?? 0, 'SIGKILL')
  const again = await running.until('a', ({ state, restarts }) => state === 'RUNNING' && restarts === 1)
  expect(again.pid).not.toBe(a?.pid)
  expect(again.lastError).toMatchObject({ code: 'ERR_CONNECTOR_FAILED', message: 'its process was ended by SIGKILL' })
  expect(
    running.events.some(({ status }) => status.name === 'a' && status.state === 'BACKOFF' && status.pid === null),
  ).toBe(true)
  expect(running.status('b')).toMatchObject({ state: 'RUNNING', restarts: 0, pid: b?.pid })
  expect((await running.stop()).exitCode).toBe(0)
})

test('every restart is counted, also after sound runs and ends during the start', async () => {
  const folder = createFolder()
  const restart = { minDelayMs: 5, maxDelayMs: 10, soundAfterMs: 1, maxCrashes: 100 }
  const running = await run(folder, listener('a'), { restart })
  for (const state of ['RUNNING', 'STARTING', 'RUNNING', 'STARTING', 'RUNNING']) {
    const { restarts } = running.status('a')
    const { pid } = await running.until('a', (now) => now.state === state && now.pid !== null)
    process.kill(pid ?? 0, 'SIGKILL')
    await running.until('a', (now) => now.restarts === restarts + 1)
  }
  await running.until('a', ({ state }) => state === 'RUNNING')
  expect((await running.stop()).statuses[0]).toMatchObject({ state: 'STOPPED', restarts: 5 })
})

test('past its crash budget a connector is FAILED and stays down, the others go on', async () => {
  const folder = createFolder()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const yaml = `${listener('a').replace('port: 0', `port: ${port}`)}---\n${listener('b')}`
  const running = await run(folder, yaml, { restart: { minDelayMs: 5, maxCrashes: 3 } })
  const failed = await running.until('a', ({ state }) => state === 'FAILED')
  taken.close()
  expect(failed).toMatchObject({
    restarts: 2,
    pid: null,
    lastError: { code: 'ERR_CONNECTOR_FAILED', message: expect.stringContaining(`cannot listen on 127.0.0.1:${port}`) },
  })
  await running.until('b', ({ state }) => state === 'RUNNING')
  const { exitCode, statuses } = await running.stop()
  expect([exitCode, ...statuses.map(({ state }) => state)]).toEqual([70, 'FAILED', 'STOPPED'])
})

test('SIGTERM to the supervisor drains its children and it exits 0', async () => {
  const { child, statuses, ended, errors } = supervise(createFolder(), `${listener('a')}---\n${listener('b')}`)
  await until('both run', () => ['a', 'b'].every((name) => statuses.get(name)?.state === 'RUNNING'))
  const pids = [...statuses.values()].map(({ pid }) => pid ?? 0)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(pids.filter(isAlive)).toEqual([])
  expect(errors()).not.toContain('the-github-secret')
})

test('what does not drain within the deadline is ended and the supervisor exits 75; nothing is committed', async () => {
  const folder = createFolder()
  await fillTopic(folder.brokerUrl, 't', textSchema(['id']), { partitions: 1, key: 'id' }, [{ id: 'a' }])
  let posts = 0
  // It takes every post and never answers.
  const server = createServer(() => posts++).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const sink = `name: hook\ntype: webhook-sink\ntopic: t\nconfig: { url: "${url}", secrets: ["${SECRET}"], allowPrivate: true, timeoutMs: 60000 }\n`
  const { child, statuses, ended } = supervise(folder, sink, 500)
  await until('the post is under way', () => posts === 1)
  const pid = statuses.get('hook')?.pid ?? 0
  child.kill('SIGTERM')
  expect(await ended).toBe(75)
  expect(isAlive(pid)).toBe(false)
  const again = await run(folder, sink)
  await until('the record comes again', () => posts === 2)
  server.closeAllConnections()
  server.close()
  await again.stop()
})

test('children of a killed supervisor drain and end by themselves', async () => {
  const { child, statuses, ended } = supervise(createFolder(), listener('a'))
  await until('it runs', () => statuses.get('a')?.state === 'RUNNING')
  const pid = statuses.get('a')?.pid ?? 0
  child.kill('SIGKILL')
  await ended
  await until('the orphan has ended', () => !isAlive(pid))
})

test('a configuration that is wrong starts nothing', async () => {
  const folder = createFolder({ 'c.yaml': `${listener('a')}---\nname: b\ntype: file-sink\ntopic: t\n` })
  const events: ConnectorEvent[] = []
  await expect(
    runConnectors([join(folder.path, 'c.yaml')], {
      brokerUrl: folder.brokerUrl,
      onEvent: (event) => void events.push(event),
    }),
  ).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/2 problems.*\n.*c\.yaml:6:1 {2}config\.directory: missing/),
  })
  expect(events).toEqual([])
})

test('a sink started before its topic waits for it', async () => {
  const folder = createFolder({ 'in.csv': 'id\na\n', 's.avsc': JSON.stringify(textSchema(['id'])) })
  const sink = await run(
    folder,
    'name: out\ntype: file-sink\ntopic: t\nconfig: { directory: out, format: csv, maxWaitMs: 50 }\n',
  )
  await sink.until('out', ({ pid }) => pid !== null)
  const source = await run(
    folder,
    'name: in\ntype: file-source\ntopic: { name: t, schema: s.avsc }\nconfig: { path: in.csv, format: csv }\n',
  )
  expect((await source.done).exitCode).toBe(0)
  await sink.until('out', ({ counters }) => counters.rows_total === 1)
})

test('a file changed into something wrong is FAILED at the restart, told with its place', async () => {
  const folder = createFolder()
  const running = await run(folder, listener('a'), { restart: { minDelayMs: 5 } })
  const { pid } = await running.until('a', ({ state }) => state === 'RUNNING')
  writeFileSync(running.file, listener('a').replace('port: 0', 'prt: 0'))
  process.kill(pid ?? 0, 'SIGKILL')
  const failed = await running.until('a', ({ state }) => state === 'FAILED')
  expect(failed.lastError?.message).toContain('.yaml:4:11  config.prt: unknown key; did you mean "port"?')
})

test('every log line is JSON and names its connector, also a crash’s stack', async () => {
  const folder = createFolder()
  mkdirSync(join(folder.path, 'store'), { recursive: true })
  writeFileSync(join(folder.path, 'blocked'), '')
  const running = await run(
    { path: folder.path, brokerUrl: `embedded:${join(folder.path, 'blocked', 'store')}` },
    listener('a'),
    { restart: { maxCrashes: 1 } },
  )
  const { statuses } = await running.done
  expect(statuses[0]?.state).toBe('FAILED')
  expect(running.lines.length).toBeGreaterThan(0)
  for (const line of running.lines) expect(JSON.parse(line)).toMatchObject({ connector: 'a' })
})
