import type { Backend } from '../../../src/core/backend.ts'
import { eventually } from '../../kit/eventually.ts'

const FILLING = { key: null, value: Buffer.alloc(10_000, 'filling'), headers: [], timestamp: 0 }

/** For brokers whose retention goes by size: appends until the position is gone. */
export async function appendUntilExpired(
  backend: Backend,
  topic: string,
  partition: number,
  below: number,
): Promise<void> {
  const append = () => backend.append(topic, partition, [FILLING, FILLING, FILLING, FILLING, FILLING])
  await eventually(
    async () => {
      await append()
      const { ranges } = await backend.describeTopic(topic)
      return (ranges[partition]?.first ?? 0) >= below
    },
    { what: `retention passes offset ${below} of ${topic}/${partition}`, timeoutMs: 60_000 },
  )
}
