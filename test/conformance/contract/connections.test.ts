import { expect } from '@jest/globals'
import { openBroker } from '../../../src/open-broker.ts'
import { eventually } from '../../kit/eventually.ts'
import { onEveryBackend } from '../every-backend.ts'
import { type Step, stepTopic } from '../steps.ts'
import { appendTexts, codeOf, createTopic, lagOf, numbered, settled } from './records.ts'

onEveryBackend('contract broken connections', ({ it, open, connect, join, name, url, hooks }) => {
  it('a-member-goes-on-after-its-connection-broke', async () => {
    const [direct, network] = [await open(), await hooks.interrupt(url())]
    const [topic, group] = [await createTopic(direct, name('t'), 2), name('g')]
    const backend = await open(network.url)
    const member = await join(backend, { group, topic, commit: true })
    const sent: string[] = []
    for (let cut = 0; cut < 4; cut++) {
      for (const partition of [0, 1]) {
        const texts = numbered(`cut-${cut}-p${partition}`, 10)
        await appendTexts(direct, topic, texts, partition)
        sent.push(...texts)
      }
      // In the midst of it, and at rest.
      if (cut % 2 === 1) await eventually(() => member.records.length >= sent.length, settled('all is there'))
      network.cut()
    }
    await eventually(() => new Set(member.values()).size === sent.length, settled('everything comes'))
    await eventually(async () => (await lagOf(direct, group, topic)) === 0, settled('everything is committed'))
    expect([...new Set(member.values())].toSorted()).toEqual(sent.toSorted())
    await codeOf(backend.close())
    await network.close()
  }, 240_000)

  it('what-core-acknowledged-is-handled-though-connections-break', async () => {
    const [direct, network] = [await connect(), await hooks.interrupt(url())]
    const [topic, group] = [stepTopic(name('t'), 3), name('g')]
    await direct.declare(topic)
    const broker = await openBroker(network.url)
    const seen: Step[] = []
    const subscription = await broker.subscribe(topic, { group, concurrency: 4 }, ({ value }) => void seen.push(value))
    const producer = broker.producer(topic)
    const acknowledged: number[] = []
    let failed = 0
    let over = false
    const sending = (async () => {
      for (let count = 0; !over; count++) {
        await producer.send({ key: `key-${count % 7}`, count }).then(
          () => acknowledged.push(count),
          () => failed++,
        )
      }
    })()
    for (let cut = 0; cut < 5; cut++) {
      const enough = acknowledged.length + 20
      await eventually(() => acknowledged.length >= enough, settled('sends go on after a cut'))
      network.cut()
    }
    const enough = acknowledged.length + 20
    await eventually(() => acknowledged.length >= enough, settled('sends go on after the last cut'))
    over = true
    await sending
    const handled = () => new Set(seen.map(({ count }) => count))
    await eventually(() => acknowledged.every((count) => handled().has(count)), settled('all acknowledged are handled'))
    await eventually(async () => (await lagOf(direct.backend, group, topic.name)) === 0, settled('lag reaches 0'))
    // Each key's first handlings come in the order of sending.
    for (let key = 0; key < 7; key++) {
      const counts = [...new Set(seen.flatMap((step) => (step.key === `key-${key}` ? [step.count] : [])))]
      expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    }
    expect(failed).toBeLessThan(acknowledged.length)
    await subscription.stop()
    await broker.close()
    await network.close()
  }, 240_000)
})
