import { defineTopic } from '../../../src/index.ts'

/** What the fault runs send: every key counts its own records from 0. */
export const ticks = defineTopic({
  name: 'test.ticks',
  value: {
    type: 'record',
    name: 'Tick',
    namespace: 'test',
    fields: [
      { name: 'key', type: 'string' },
      { name: 'count', type: 'int' },
      { name: 'padding', type: 'string' },
    ],
  },
  key: (tick) => tick.key,
  partitions: 6,
})
