import { expect } from '@jest/globals'
import { collect } from '../kit/collect.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { gate, steps, stepTopic } from './steps.ts'

onEveryBackend('cancellation', ({ it, connect, name }) => {
  it('a-handlers-signal-aborts-when-its-result-no-longer-counts-and-not-before', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(2, 1))
    const signals: AbortSignal[] = []
    const { opened: hanging, open: hang } = gate()
    const subscription = await broker.subscribe(
      topic,
      { group: name('g'), concurrency: 2, drainTimeoutMs: 300 },
      async ({ offset }, signal) => {
        signals[offset] = signal
        if (offset === 0) return
        hang()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    )
    await hanging
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
    const stopping = subscription.stop()
    // Draining alone is no reason: the handler still has its time.
    expect(signals[1]?.aborted).toBe(false)
    await expect(stopping).rejects.toMatchObject({ code: 'ERR_DRAIN_DEADLINE' })
    expect(signals[1]?.reason).toMatchObject({ code: 'ERR_REVOKED' })
  })

  it('a-result-after-the-drain-deadline-is-thrown-away', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    const group = name('g')
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 2))
    const { opened, open } = gate()
    const begun = gate()
    let ended = false
    const subscription = await broker.subscribe(topic, { group, drainTimeoutMs: 50 }, async () => {
      begun.open()
      await opened
      ended = true
    })
    await begun.opened
    await expect(subscription.stop()).rejects.toMatchObject({
      code: 'ERR_DRAIN_DEADLINE',
      details: { topic: topic.name, group, drainTimeoutMs: 50 },
    })
    expect(subscription.status().state).toBe('STOPPED')
    await subscription.done
    open()
    await eventually(() => ended, { what: 'the handler ends, too late' })
    const seen: number[] = []
    await broker.subscribe(topic, { group }, ({ offset }) => void seen.push(offset))
    await eventually(() => seen.length === 2, { what: 'its record comes again' })
    expect(seen).toEqual([0, 1])
  })

  it('a-read-aborted-before-or-during-says-so-and-hands-out-no-more', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(4, 5))
    const reason = new Error('enough')
    const before = collect(broker.read(topic, { to: 'end', signal: AbortSignal.abort(reason) }))
    await expect(before).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    const counting = broker.topics.count(topic.name, { signal: AbortSignal.abort(reason) })
    await expect(counting).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const during = new AbortController()
    const seen: number[] = []
    const reading = (async () => {
      for await (const { offset } of broker.read(topic, { to: 'end', signal: during.signal })) {
        seen.push(offset)
        if (seen.length === 3) during.abort(reason)
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    expect(seen).toHaveLength(3)
    const idle = new AbortController()
    const waiting = broker.read(topic, { from: 'latest', signal: idle.signal })[Symbol.asyncIterator]().next()
    setImmediate(() => idle.abort(reason))
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('a-live-read-is-left-at-once-though-nothing-comes', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 2)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(2, 1))
    const reading = broker.read(topic)[Symbol.asyncIterator]()
    await reading.next()
    await reading.next()
    const pending = reading.next()
    expect(await reading.return?.()).toMatchObject({ done: true })
    expect(await pending).toMatchObject({ done: true })
    expect(await reading.next()).toMatchObject({ done: true })
    for await (const { offset } of broker.read(topic)) if (offset === 0) break
  }, 20_000)
})
