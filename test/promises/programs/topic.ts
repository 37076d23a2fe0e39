import { defineTopic } from '../../../src/index.ts'

/** What the fault runs send: every producer numbers its records from 0 and is told by `source`. */
export const ticks = defineTopic({
  name: 'test.ticks',
  value: {
    type: 'record',
    name: 'Tick',
    namespace: 'test',
    fields: [
      { name: 'source', type: 'string' },
      { name: 'number', type: 'int' },
      { name: 'key', type: 'string' },
      { name: 'padding', type: 'string' },
    ],
  },
  key: (tick) => tick.key,
  partitions: 6,
})
