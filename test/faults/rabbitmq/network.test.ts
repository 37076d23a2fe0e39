import { describe, expect } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { report, soakScale } from '../../kit/soak-scale.ts'
import { testUnless } from '../../kit/skip.ts'
import type { ProxyMode } from '../../kit/tcp-proxy.ts'
import { missing, shared } from './broker.ts'
import { openNetwork, producersUnderLoad, runFault, troubled } from './run.ts'

const SCALE = soakScale('rabbitmq-network', {
  short: { times: 1, silentMs: 5_000, perSecond: 1_000 },
  full: { times: 10, silentMs: 30_000, perSecond: 5_000 },
})
const TIMEOUT_MS = 3_600_000

/** Everybody comes through a network that does this for a while, and then ends all its connections. */
async function suffers(name: string, mode: ProxyMode): Promise<void> {
  const network = await openNetwork(shared.url)
  const run = { direct: shared.url, url: network.url, members: 2, perSecond: SCALE.perSecond }
  const { findings, counts } = await runFault(run, async (crew) => {
    for (let time = 0; time < SCALE.times; time++) {
      await troubled(crew, async () => {
        network.set(mode)
        await sleep(SCALE.silentMs)
        network.set('pass')
        network.cut()
      })
      await producersUnderLoad(crew)
    }
  })
  await network.close()
  report(`rabbitmq ${name}: ${JSON.stringify(counts)}; findings: ${JSON.stringify(findings)}`)
  expect(findings).toEqual([])
  expect(counts.acknowledged).toBeGreaterThan(SCALE.perSecond / 2)
}

describe('faults of the network to RabbitMQ', () => {
  testUnless(missing, 'nothing-is-lost-when-the-network-is-cut', () => suffers('cut', 'stall'), TIMEOUT_MS)
  testUnless(
    missing,
    'nothing-is-stored-twice-when-confirms-are-swallowed',
    () => suffers('confirms', 'mute'),
    TIMEOUT_MS,
  )
})
