import { createAvroCodec, createBytesCodec } from './avro/codec.ts'
import { canonicalSchema } from './avro/compatibility.ts'
import { defineUntypedTopic } from './avro/define-topic.ts'
import { openBackend } from './backends/open.ts'
import type { Backend } from './core/backend.ts'
import { specText, type TopicSpec } from './core/topic-spec.ts'
import type { Broker } from './core/broker.ts'
import { type Clock, systemClock } from './core/clock.ts'
import type { Codec } from './core/codec.ts'
import { createCoreBroker } from './core/core-broker.ts'
import { DrawbridgeError, hasCode } from './core/errors.ts'
import { type Log, silentLog } from './core/log.ts'
import { checkTopicName, isDeadLetterTopic, type Topic, valueSubject } from './core/topic.ts'
import { bindRegistry, type BoundRegistry } from './registry/bound-registry.ts'
import type { Registry } from './registry/registry.ts'
import { parseRegistryOptions, type RegistryOptions, type RegistryTarget } from './registry/registry-options.ts'
import { createSchemaLog } from './registry/schema-log.ts'
import { createTopicRegistry } from './registry/topic-registry.ts'

export interface ConnectOptions {
  /**
   * A schema registry that speaks Confluent's REST dialect: its URL (several with commas), or options with its login. Absent, or
   * the word `topic`: schemas are kept in the broker itself. The first declaration notes in the broker which one it
   * was; another one is ERR_REGISTRY_DIFFERS.
   */
  readonly registry?: string | RegistryOptions | undefined
  /** False on clusters where others make the topics: none is made, a missing one is ERR_TOPIC_UNKNOWN and says how. Default true. */
  readonly create?: boolean
  /** Where retries, letters, losses and hand-overs are told; silent if absent. */
  readonly log?: Log
}

/** A broker with the parts that Drawbridge's own tools (connectors, command line) need beside the public ones. */
export interface OpenBroker extends Broker {
  readonly backend: Backend
  readonly registry: BoundRegistry
  readonly clock: Clock
}

/**
 * Connects to the broker a URL names, such as `embedded:./.drawbridge` (a folder that several processes of one machine
 * may share). ERR_CONFIG for a URL of no known kind; otherwise the backend's error. The registry is asked when needed.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Broker> {
  return await openBroker(url, options)
}

export async function openBroker(url: string, options: ConnectOptions = {}): Promise<OpenBroker> {
  const { log = silentLog } = options
  const clock = systemClock
  const target = parseRegistryOptions(options.registry)
  const client = target === null ? null : await createClient(target, clock)
  const backend = await openBackend(url, { log, create: options.create !== false })
  const schemaLog = createSchemaLog(backend, clock)
  const registry = bindRegistry(client ?? createTopicRegistry(schemaLog), schemaLog)

  async function codecFor<T>(topic: Topic<T>, use: 'read' | 'write'): Promise<Codec<T>> {
    const { name, compact, value } = topic
    if (value === 'bytes') {
      // A letter has the original bytes, and those of a tombstone are none.
      const nullable = compact || isDeadLetterTopic(name)
      return createBytesCodec({ topic: name, compact: nullable }) as unknown as Codec<T>
    }
    await registry.confirm()
    const registered = use === 'write' ? await registry.find(valueSubject(name), canonicalSchema(value)) : null
    if (use === 'write' && registered === null) {
      throw new DrawbridgeError(
        'ERR_SCHEMA_UNKNOWN',
        `topic ${name}: this schema is not registered under ${valueSubject(name)}; call broker.declare(topic) first`,
        {
          details: { topic: name, subject: valueSubject(name) },
        },
      )
    }
    return createAvroCodec<T>({
      topic: name,
      schema: value,
      schemaId: registered?.id ?? null,
      schemaById: registry.schemaById,
      compact,
    })
  }

  async function declare<T>(topic: Topic<T>): Promise<void> {
    checkTopicName(topic.name)
    const existing = await describeIfAny(backend, topic.name)
    const partitions = topic.partitions ?? existing?.partitions ?? 1
    const spec: TopicSpec = {
      name: topic.name,
      partitions,
      compact: topic.compact,
      retentionMs: topic.retention === undefined ? (existing?.retentionMs ?? null) : (topic.retention.ms ?? null),
      retentionBytes:
        topic.retention === undefined ? (existing?.retentionBytes ?? null) : (topic.retention.bytes ?? null),
    }
    if (existing !== null && specText(existing) !== specText(spec)) {
      throw new DrawbridgeError(
        'ERR_TOPIC_DIFFERS',
        `topic ${topic.name} exists with ${specText(existing)}; the declaration says ${specText(spec)}; nothing was changed. Make the declaration equal, or use another topic`,
        { details: { topic: topic.name } },
      )
    }
    // The schema first: where it is refused, no topic is left behind.
    if (topic.value !== 'bytes') await registry.register(valueSubject(topic.name), canonicalSchema(topic.value))
    if (existing === null) await backend.createTopic(spec)
  }

  async function topic(name: string): Promise<Topic<unknown>> {
    const { compact, partitions, retentionMs, retentionBytes } = await backend.describeTopic(name)
    const registered = await registry.latest(valueSubject(name))
    const value = registered === null ? 'bytes' : (JSON.parse(registered.schema) as unknown)
    return defineUntypedTopic({
      name,
      value,
      compact,
      partitions,
      retention: { ms: retentionMs, bytes: retentionBytes },
    })
  }

  const core = createCoreBroker({ backend, clock, log, codecFor })
  const close = async () => {
    await core.close()
    await registry.close()
    await schemaLog.close()
  }
  return { ...core, backend, registry, clock, declare, topic, close, [Symbol.asyncDispose]: close }
}

/** Loaded when used: the client's library is as large as all of ours. */
async function createClient(target: RegistryTarget, clock: Clock): Promise<Registry> {
  const { createConfluentRegistry } = await import('./registry/confluent-registry.ts')
  return createConfluentRegistry({ target, clock })
}

async function describeIfAny(backend: Backend, topic: string) {
  try {
    return await backend.describeTopic(topic)
  } catch (error) {
    if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return null
    throw error
  }
}
