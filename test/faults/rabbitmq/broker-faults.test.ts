import { describe, expect } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { killNode, restartNode, startNode } from '../../brokers/nodes.ts'
import { eventually } from '../../kit/eventually.ts'
import { report, soakScale } from '../../kit/soak-scale.ts'
import { testUnless } from '../../kit/skip.ts'
import type { Crew } from '../../promises/crew.ts'
import { mistake, openLogged } from './broker.ts'
import { everything } from './everything.ts'
import { missing, NODE, ownBroker, rabbitmqctl } from './own-broker.ts'
import { producersUnderLoad, runFault, troubled } from './run.ts'

const SCALE = soakScale('rabbitmq-broker', {
  short: { times: 1, alarmMs: 3_000, perSecond: 1_000 },
  // Longer than a confirm is waited for, or what an alarm holds back would never be in doubt. Three scenarios of 10: 25 minutes at most.
  full: { times: 10, alarmMs: 35_000, perSecond: 5_000 },
})
const PETABYTE = 1e15
const TIMEOUT_MS = 3_600_000
const url = ownBroker()

/** Runs under load while the broker suffers, and tells what the judge found. */
async function suffers(name: string, disturb: (crew: Crew) => Promise<void>): Promise<void> {
  const run = { direct: url(), members: 2, perSecond: SCALE.perSecond, keepTopic: true }
  const { findings, counts } = await runFault(run, async (crew) => {
    for (let time = 0; time < SCALE.times; time++) {
      await troubled(crew, () => disturb(crew))
      await producersUnderLoad(crew)
    }
  })
  report(`rabbitmq ${name}: ${JSON.stringify(counts)}; findings: ${JSON.stringify(findings)}`)
  expect(findings).toEqual([])
  expect(counts.acknowledged).toBeGreaterThan(SCALE.perSecond / 2)
}

function scenario(name: string, run: () => Promise<void>): void {
  testUnless(missing, name, run, TIMEOUT_MS)
}

describe('faults of a RabbitMQ broker', () => {
  scenario('nothing-acknowledged-is-lost-when-the-broker-restarts-under-load', () =>
    suffers('restart', () => restartNode(NODE)),
  )

  scenario('nothing-acknowledged-is-lost-when-the-broker-is-killed-under-load', () =>
    suffers('SIGKILL', async () => {
      await killNode(NODE)
      await startNode(NODE)
    }),
  )

  scenario('a-disk-alarm-pushes-back-a-memory-alarm-does-not-and-nothing-is-lost', () =>
    suffers('alarms', async ({ producers, underLoad }) => {
      // RabbitMQ 4 blocks publishers of streams for the disk alone (rabbit_stream_reader, resource_alarm).
      await rabbitmqctl('set_vm_memory_high_watermark', '0.000001')
      for (const producer of producers) await underLoad(producer, 20_000)
      await rabbitmqctl('set_vm_memory_high_watermark', '0.6')
      await rabbitmqctl('set_disk_free_limit', String(PETABYTE))
      await still(producers)
      await sleep(SCALE.alarmMs)
      await rabbitmqctl('set_disk_free_limit', '50000000')
    }),
  )

  scenario('a-wrong-advertised-host-does-no-harm', async () => {
    const advertise = (host: string) =>
      rabbitmqctl('eval', `application:set_env(rabbitmq_stream, advertised_host, <<"${host}">>).`)
    await advertise('nowhere.invalid')
    await deleteTopics()
    await everything(await openLogged(url()), 'advertised')
    await advertise('127.0.0.1')
  })

  scenario('a-stream-plugin-that-does-not-run-is-named-with-the-command-that-enables-it', async () => {
    await rabbitmqctl('eval', 'application:stop(rabbitmq_stream_management), application:stop(rabbitmq_stream).')
    const { code, text } = await mistake(openLogged(url()))
    await rabbitmqctl('eval', 'application:start(rabbitmq_stream), application:start(rabbitmq_stream_management).')
    expect(code).toBe('ERR_UNSUPPORTED')
    expect(text).toContain('rabbitmq-plugins enable rabbitmq_stream')
    await eventually(() => openLogged(url()), { what: 'the broker has streams again', timeoutMs: 60_000 })
  })
})

/** What the scenarios before have left. */
async function deleteTopics(): Promise<void> {
  const backend = await openLogged(url())
  await eventually(
    async () => {
      for (const topic of await backend.listTopics()) await backend.deleteTopic(topic)
      return true
    },
    { what: 'no topic is left', timeoutMs: 60_000, intervalMs: 500 },
  )
}

/** Resolves when the producers have noted down next to nothing for a second: the broker takes nothing any more. */
async function still(producers: Crew['producers']): Promise<void> {
  let last = producers.map((producer) => producer.noted())
  await eventually(
    () => {
      const now = producers.map((producer) => producer.noted())
      const grown = now.map((bytes, index) => bytes - (last[index] ?? 0))
      last = now
      return grown.every((bytes) => bytes < 1_000)
    },
    { what: 'the broker pushes back', intervalMs: 1_000, timeoutMs: 60_000 },
  )
}
