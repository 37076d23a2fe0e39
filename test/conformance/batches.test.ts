import { expect } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'
import { steps, stepTopic } from './steps.ts'

onEveryBackend('batches', ({ it, connect, name }) => {
  const group = name('g')

  it('a-batch-closes-at-its-bounds-and-without-new-data', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 25))
    const batches: number[][] = []
    await broker.subscribeBatches(
      topic,
      { group, maxBatchRecords: 10, maxBatchWaitMs: 100 },
      (messages) => void batches.push(messages.map(({ offset }) => offset)),
    )
    await eventually(() => batches.flat().length === 25, { what: 'all are handled, the last ones by time' })
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual([...Array(25).keys()])
  })

  it('a-failed-batch-is-tried-again-whole-before-any-later-one', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 6))
    const calls: string[] = []
    await broker.subscribeBatches(topic, { group, maxBatchRecords: 2, retry: { minDelayMs: 1 } }, (messages) => {
      calls.push(messages.map(({ offset, attempt }) => `${offset}.${attempt}`).join(' '))
      if (calls.length < 3) throw new Error('not yet')
    })
    await eventually(() => calls.length === 5, { what: 'all batches are handled' })
    expect(calls).toEqual(['0.1 1.1', '0.2 1.2', '0.3 1.3', '2.1 3.1', '4.1 5.1'])
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.lag === 0, {
      what: 'all are committed',
    })
  })

  it('an-exhausted-batch-becomes-letters-one-for-each', async () => {
    const broker = await connect()
    const topic = stepTopic(name('t'), 1)
    await broker.declare(topic)
    await broker.producer(topic).sendAll(steps(1, 4))
    await broker.subscribeBatches(
      topic,
      { group, maxBatchRecords: 2, retry: { attempts: 2, minDelayMs: 1 } },
      (messages) => {
        if (messages[0]?.offset === 0) throw new Error('never')
      },
    )
    await eventually(async () => (await broker.groups.describe(group, topic)).positions[0]?.lag === 0, {
      what: 'all are committed',
    })
    expect((await broker.topics.describe(`${topic.name}.${group}.dead`)).ranges).toEqual([{ first: 0, end: 2 }])
  })
})
