import type { AvroSchema } from '../../src/index.ts'
import { defineTopic } from '../../src/index.ts'

export interface Step {
  readonly key: string
  readonly count: number
}

const stepSchema = {
  type: 'record',
  name: 'Step',
  fields: [
    { name: 'key', type: 'string' },
    { name: 'count', type: 'int' },
  ],
} as const satisfies AvroSchema

/** A topic of steps, keyed by `key`. */
export function stepTopic(name: string, partitions: number) {
  return defineTopic({ name, value: stepSchema, key: (step) => step.key, partitions })
}

/** `perKey` steps of each of `keys` keys, in turn. */
export function steps(keys: number, perKey: number): readonly Step[] {
  return Array.from({ length: keys * perKey }, (_, n) => ({ key: `key-${n % keys}`, count: Math.floor(n / keys) }))
}

/** A promise and the handle that settles it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}
