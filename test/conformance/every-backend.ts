import { afterAll, afterEach, describe } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { AvroSchema } from '../../src/index.ts'
import { defineTopic } from '../../src/index.ts'
import type { Log } from '../../src/core/log.ts'
import { type OpenBroker, openBroker } from '../../src/open-broker.ts'
import { tempDir } from '../kit/temp-dir.ts'

/** What a scenario works with: one broker of one kind, and as many connections to it as it asks for. */
export interface Bench {
  /** A connection of its own; closed after the test. */
  connect(): Promise<OpenBroker>
  /** A name that no other test uses. */
  name(prefix: string): string
  /** What the connections logged, newest last. */
  readonly logged: readonly string[]
}

const BACKENDS: Record<string, () => string> = {
  embedded: () => `embedded:${join(tempDir(), 'store')}`,
}

/** Runs the scenarios on every backend there is: the same code, the same expectations. */
export function onEveryBackend(theme: string, scenarios: (bench: Bench) => void): void {
  for (const [name, createUrl] of Object.entries(BACKENDS)) {
    describe(`${theme} on ${name}`, () => {
      let url: string | undefined
      const open: OpenBroker[] = []
      const logged: string[] = []
      const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`)
      const log: Log = { debug() {}, info: note, warn: note, error: note }
      scenarios({
        logged,
        async connect() {
          url ??= createUrl()
          const broker = await openBroker(url, { log })
          open.push(broker)
          return broker
        },
        name: (prefix) => `${prefix}-${randomBytes(4).toString('hex')}`,
      })
      const closeAll = async () => {
        await Promise.allSettled(open.splice(0).map((broker) => broker.close()))
      }
      afterEach(closeAll)
      afterAll(closeAll)
    })
  }
}

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
