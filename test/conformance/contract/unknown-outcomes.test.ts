import { expect } from '@jest/globals'
import type { Backend } from '../../../src/core/backend.ts'
import { type Attempt, judgeAppends, NO_FINDINGS, type Stored } from '../../kit/append-log.ts'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { type AppenderLine, startAppender } from './member-process.ts'
import { codeOf, createTopic, numbered, readAll, record, settled, textsOf } from './records.ts'

onEveryBackend('contract unknown outcomes', ({ it, open, name, url, hooks }) => {
  async function logOf(backend: Backend, topic: string): Promise<readonly Stored[]> {
    const records = await readAll(backend, topic)
    return records.map(({ offset, value }) => ({ partition: 0, offset, value: String(value) }))
  }

  /** Appends once and tells how it went. */
  async function attempt(backend: Backend, topic: string, values: readonly string[]): Promise<Attempt> {
    const about = { partition: 0, values }
    try {
      const records = values.map((value) => record(value))
      const { firstOffset } = await backend.append(topic, 0, records)
      return { ...about, outcome: 'acknowledged', firstOffset }
    } catch (error) {
      const { outcome } = (error as { details: { outcome?: unknown } }).details
      expect(['not-written', 'unknown']).toContain(outcome)
      return { ...about, outcome: outcome as 'unknown', firstOffset: null }
    }
  }

  /** Appends anew, each time other data, until one append is acknowledged. */
  async function untilAcknowledged(backend: Backend, topic: string, prefix: string): Promise<readonly Attempt[]> {
    const attempts: Attempt[] = []
    await eventually(async () => {
      attempts.push(await attempt(backend, topic, numbered(`${prefix}-${attempts.length}`, 3)))
      return attempts.at(-1)?.outcome === 'acknowledged'
    }, settled('an append is acknowledged again'))
    return attempts
  }

  it('acknowledged-survives-sigkill-of-the-appending-process', async () => {
    const backend = await open()
    const topic = await createTopic(backend, name('t'))
    for (let round = 0; round < 3; round++) {
      const appender = startAppender(url(), topic)
      const acknowledged = ({ acknowledged }: AppenderLine) => acknowledged !== undefined
      await eventually(
        () => (appender.messages() as readonly AppenderLine[]).filter(acknowledged).length > 20 + round * 7,
        { ...settled('some appends'), intervalMs: 1 },
      )
      appender.kill('SIGKILL')
      await appender.ended
      const lines = appender.messages() as readonly AppenderLine[]
      const receipts = new Map(lines.map(({ acknowledged, firstOffset }) => [acknowledged?.[0], firstOffset]))
      const attempts = lines.flatMap(({ begins }): readonly Attempt[] => {
        if (begins === undefined) return []
        const firstOffset = receipts.get(begins[0])
        const outcome = firstOffset === undefined ? 'unknown' : 'acknowledged'
        return [{ partition: 0, values: begins, outcome, firstOffset: firstOffset ?? null }]
      })
      expect(judgeAppends(attempts, await logOf(backend, topic))).toEqual(NO_FINDINGS)
      await backend.deleteTopic(topic)
      await createTopic(backend, topic)
    }
  }, 180_000)

  it('an-answer-lost-on-the-way-leaves-a-record-stored-once', async () => {
    const [direct, network] = [await open(), await hooks.interrupt(url())]
    const topic = await createTopic(direct, name('t'))
    const backend = await open(network.url)
    const attempts = [await attempt(backend, topic, ['first'])]
    for (let round = 0; round < 3; round++) {
      const values = numbered(`muted-${round}`, 3)
      network.set('mute')
      const pending = attempt(backend, topic, values)
      await eventually(
        async () => textsOf(await readAll(direct, topic)).includes(values[2]),
        settled('the broker has stored what it cannot acknowledge'),
      )
      network.set('pass')
      network.cut()
      const muted = await pending
      expect(muted.outcome).not.toBe('not-written')
      attempts.push(muted, ...(await untilAcknowledged(backend, topic, `next-${round}`)))
      expect(judgeAppends(attempts, await logOf(direct, topic))).toEqual(NO_FINDINGS)
    }
    await codeOf(backend.close())
    await network.close()
  }, 240_000)

  it('a-request-lost-on-the-way-does-not-spoil-the-next-append', async () => {
    const [direct, network] = [await open(), await hooks.interrupt(url())]
    const topic = await createTopic(direct, name('t'))
    const backend = await open(network.url)
    const attempts = [await attempt(backend, topic, ['first'])]
    for (let round = 0; round < 3; round++) {
      network.set('deaf')
      const pending = attempt(backend, topic, numbered(`deaf-${round}`, 3))
      await eventually(() => network.swallowed() > 0, settled('the request is lost'))
      network.set('pass')
      network.cut()
      attempts.push(await pending, ...(await untilAcknowledged(backend, topic, `next-${round}`)))
      expect(judgeAppends(attempts, await logOf(direct, topic))).toEqual(NO_FINDINGS)
    }
    await codeOf(backend.close())
    await network.close()
  }, 240_000)

  it('acknowledged-survives-connections-that-break-again-and-again', async () => {
    const [direct, network] = [await open(), await hooks.interrupt(url())]
    const topic = await createTopic(direct, name('t'))
    const backend = await open(network.url)
    const attempts: Attempt[] = []
    let over = false
    const appending = (async () => {
      for (let n = 0; !over; n++) attempts.push(await attempt(backend, topic, numbered(`r${n}`, 3)))
    })()
    const acknowledged = () => attempts.filter(({ outcome }) => outcome === 'acknowledged').length
    for (let cut = 0; cut < 8; cut++) {
      const enough = acknowledged() + 5 + cut
      await eventually(() => acknowledged() >= enough, { ...settled('appends go on after a cut'), intervalMs: 1 })
      network.cut()
    }
    const enough = acknowledged() + 5
    await eventually(() => acknowledged() >= enough, settled('appends go on after the last cut'))
    over = true
    await appending
    expect(judgeAppends(attempts, await logOf(direct, topic))).toEqual(NO_FINDINGS)
    await codeOf(backend.close())
    await network.close()
  }, 240_000)
})
