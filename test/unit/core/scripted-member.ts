import type { Handler, SubscribeOptions, Subscription } from '../../../src/core/broker.ts'
import type { Codec } from '../../../src/core/codec.ts'
import { createCoreBroker, type CoreBroker } from '../../../src/core/core-broker.ts'
import { DrawbridgeError, type ErrorCode } from '../../../src/core/errors.ts'
import type { Log } from '../../../src/core/log.ts'
import type { Topic } from '../../../src/core/topic.ts'
import { KEPT_FOR_EVER } from '../../../src/core/topic-spec.ts'
import { createScriptedBroker, type ScriptedBroker } from '../../kit/scripted-backend.ts'
import type { ScriptedGroup } from '../../kit/scripted-group.ts'

export const TOPIC: Topic<string> = {
  name: 't',
  value: 'bytes',
  key: (value) => value,
  partitions: undefined,
  compact: false,
}
export const GROUP = 'g'
export const LETTERS = `${TOPIC.name}.${GROUP}.dead`

/** Core over the scripted broker, at a manual clock: one topic of text, one group. */
export interface ScriptedCore {
  readonly broker: ScriptedBroker
  readonly core: CoreBroker
  readonly group: ScriptedGroup
  /** What was logged, `LEVEL MESSAGE FIELDS`. */
  readonly logged: readonly string[]
  /** Appends each text under itself as the key. */
  append(partition: number, ...texts: readonly string[]): void
  /** Subscribes and lets it take what is there. */
  subscribe(options: Partial<SubscribeOptions>, handler: Handler<string>): Promise<Subscription>
  /** Calls of the broker that begin with these words. */
  calls(words: string): readonly string[]
  /** Values of the letters written, by partition. */
  letters(partition?: number): readonly string[]
}

/** Texts that begin with `?` are no values; at `!CODE` the codec itself fails with that code. */
const codec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode(bytes) {
    const text = String(bytes)
    if (text.startsWith('?')) throw new DrawbridgeError('ERR_UNDECODABLE', `${text} is no value`)
    if (text.startsWith('!')) throw new DrawbridgeError(text.slice(1) as ErrorCode, 'the registry fails')
    return text
  },
}

export async function createScriptedCore({ partitions = 1 } = {}): Promise<ScriptedCore> {
  const broker = createScriptedBroker()
  const { clock, log } = broker
  const logged: string[] = []
  const note = (level: string) => (fields: object, message: string) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const coreLog: Log = { debug() {}, info: note('info'), warn: note('warn'), error: note('error') }
  const core = createCoreBroker({
    backend: broker.open(),
    clock,
    log: coreLog,
    codecFor: async <T>() => codec as unknown as Codec<T>,
  })
  log.create({ name: TOPIC.name, partitions, ...KEPT_FOR_EVER })
  return {
    broker,
    core,
    group: broker.group(GROUP, TOPIC.name),
    logged,
    append(partition, ...texts) {
      log.append(
        TOPIC.name,
        partition,
        texts.map((text) => ({
          key: Buffer.from(text),
          value: Buffer.from(text),
          headers: [],
          timestamp: clock.now(),
        })),
      )
    },
    async subscribe(options, handler) {
      const subscription = await core.subscribe(TOPIC, { group: GROUP, ...options }, handler)
      // Tests look at a failure when the broker has come to rest, and until then nobody listens.
      subscription.done.catch(() => undefined)
      await clock.settle()
      return subscription
    },
    calls: (words) => broker.calls.filter((call) => call === words || call.startsWith(`${words} `)),
    letters: (partition = 0) =>
      log.names().includes(LETTERS)
        ? (log.topic(LETTERS).partitions[partition]?.records ?? []).map(({ value }) => String(value))
        : [],
  }
}

/** The code that a promise has rejected with by now; undefined while it is pending, `ok` once it has resolved. */
export function outcomeOf(promise: Promise<unknown>): () => string | undefined {
  let outcome: string | undefined
  promise.then(
    () => (outcome = 'ok'),
    (error: unknown) => (outcome = (error as DrawbridgeError).code),
  )
  return () => outcome
}

/** Handlers that a test finishes one by one. */
export function createHandlers() {
  const running = new Map<string, { resolve(): void; reject(error: unknown): void; readonly signal: AbortSignal }>()
  const begun: string[] = []
  return {
    /** `VALUE.ATTEMPT` in order of their beginning. */
    begun,
    handle(message: { readonly value: string; readonly attempt: number }, signal: AbortSignal): Promise<void> {
      begun.push(`${message.value}.${message.attempt}`)
      return new Promise((resolve, reject) => running.set(message.value, { resolve, reject, signal }))
    },
    finish: (value: string) => running.get(value)?.resolve(),
    fail: (value: string, error: unknown = new Error('failed')) => running.get(value)?.reject(error),
    signal: (value: string) => running.get(value)?.signal,
  }
}
