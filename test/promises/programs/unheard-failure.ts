// Usage: unheard-failure.ts BROKER. A subscription fails and nobody listens to it.
import { connect, defineTopic } from '../../../src/index.ts'

const topic = defineTopic({ name: 'test.unheard', value: 'bytes' })
const broker = await connect(process.argv[2] ?? '')
await broker.declare(topic)
await broker.producer(topic).send(Buffer.from('x'))
await broker.subscribe(topic, { group: 'g', onFailure: 'stop', retry: { attempts: 1 } }, () => {
  throw new Error('it cannot be done')
})
setInterval(() => undefined, 1_000)
