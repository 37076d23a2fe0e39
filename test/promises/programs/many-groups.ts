// Usage: many-groups.ts BROKER GROUPS PARTITIONS. Every group reads a record of each partition; says {"handled", "positions", "rssMiB"}.
import { defineTopic } from '../../../src/index.ts'
import { connectPatiently } from './open.ts'

const [url = '', groups = '0', partitions = '0'] = process.argv.slice(2)
const topic = defineTopic({ name: 'test.wide', value: 'bytes', partitions: Number(partitions) })
/** Groups with members at the same time. */
const AT_ONCE = 20

await using broker = await connectPatiently(url)
await broker.declare(topic)
await using producer = broker.producer(topic)
for (let partition = 0; partition < Number(partitions); partition++)
  await producer.send(Buffer.from(String(partition)), { partition })

let handled = 0
for (let first = 0; first < Number(groups); first += AT_ONCE) {
  const names = Array.from({ length: Math.min(AT_ONCE, Number(groups) - first) }, (_, n) => `group-${first + n}`)
  await Promise.all(names.map(readAll))
}
let positions = 0
for (const { group } of await broker.groups.list()) {
  const described = await broker.groups.describe(group, topic)
  positions += described.positions.filter(({ next, lag }) => next === 1 && lag === 0).length
}
console.log(JSON.stringify({ handled, positions, rssMiB: Math.round(process.memoryUsage.rss() / 1_048_576) }))

async function readAll(group: string): Promise<void> {
  const seen = new Set<number>()
  const complete = Promise.withResolvers<void>()
  const subscription = await broker.subscribe(topic, { group, concurrency: 16 }, ({ partition }) => {
    handled++
    if (seen.add(partition).size === Number(partitions)) complete.resolve()
  })
  await complete.promise
  await subscription.stop()
}
