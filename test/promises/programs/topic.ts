import { defineTopic } from '../../../src/index.ts'

/** What the fault runs send: every producer numbers its records from 0 and is told by `source`. */
const TICK = {
  type: 'record',
  name: 'Tick',
  namespace: 'test',
  fields: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'int' },
    { name: 'key', type: 'string' },
    { name: 'padding', type: 'string' },
  ],
} as const

/** Where a broker is shared, every run has a topic of its own. */
export function createTicks(name: string) {
  return defineTopic({ name, value: TICK, key: (tick) => tick.key, partitions: 6 })
}

export const ticks = createTicks('test.ticks')
