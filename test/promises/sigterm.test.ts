import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { connect } from '../../src/index.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { createCrew } from './crew.ts'
import type { ConsumerOptions } from './programs/consumer.ts'
import { ticks } from './programs/topic.ts'

const RECORDS = 6

/** A member that has begun one handler, of six records of one key, when it gets SIGTERM. */
async function terminate(options: ConsumerOptions) {
  const directory = tempDir()
  const url = `embedded:${join(directory, 'store')}`
  await using broker = await connect(url)
  await broker.declare(ticks)
  await using crew = createCrew({ broker, url, group: 'sigterm', directory })
  const producer = crew.startProducer({ keys: 1, records: RECORDS })
  expect(await producer.process.ended).toEqual({ code: 0, signal: null })
  const member = crew.startMember({ ...options, mayExitLate: true })
  await member.process.message<{ begun: number }>(({ begun }) => begun === 1, 'a handler has begun')
  member.process.kill('SIGTERM')
  const end = await member.process.ended
  const handled = member.handled()
  const lag = await crew.lag()
  // Another member takes over what is left; the checker allows no repeat of what was committed.
  crew.startMember({ concurrency: 1 })
  return { end, handled, lag, verdict: await crew.finish() }
}

describe('promise: drain', () => {
  it('sigterm-lets-a-long-handler-finish-and-commits-it', async () => {
    const { end, handled, lag, verdict } = await terminate({ handlerMs: 2_000, concurrency: 1 })
    expect(end).toEqual({ code: 0, signal: null })
    // Nothing new was begun after the signal.
    expect([handled, lag]).toEqual([1, RECORDS - 1])
    expect(verdict.findings).toEqual([])
    expect(verdict.counts).toMatchObject({ handled: RECORDS, excused: 0, handedOver: 0 })
  }, 120_000)

  it('what-is-not-done-at-the-deadline-is-not-committed-and-comes-again', async () => {
    const { end, handled, lag, verdict } = await terminate({ handlerMs: 600_000, concurrency: 1, drainTimeoutMs: 500 })
    expect(end).toEqual({ code: 75, signal: null })
    expect([handled, lag]).toEqual([0, RECORDS])
    expect(verdict.findings).toEqual([])
    expect(verdict.counts).toMatchObject({ handled: RECORDS, excused: 0, handedOver: 0 })
  }, 120_000)
})
