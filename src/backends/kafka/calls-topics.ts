// Requests about topics. Versions are the last before flexible encoding, which Kafka 2.8 to 4.x all serve; metadata is
// version 10, the first with topic ids (Kafka 2.8). Fields follow the protocol guide, https://kafka.apache.org/protocol.
import { createWriter } from './bytes.ts'
import type { Call } from './call.ts'

export interface Metadata {
  readonly nodes: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

export interface TopicMetadata {
  readonly error: number
  readonly name: string
  readonly id: string
  /** By partition number; -1 while there is none. */
  readonly leaders: readonly number[]
  readonly replicas: number
}

const NO_ID = Buffer.alloc(16)

/** Of the named topics, or of all. */
export function metadata(topics: readonly string[] | null): Call<Metadata> {
  const writer = createWriter()
  writer.uvarint(topics === null ? 0 : topics.length + 1)
  for (const topic of topics ?? []) {
    writer.raw(NO_ID)
    writer.compactString(topic)
    writer.noTags()
  }
  for (const flag of [false, false, false]) writer.boolean(flag)
  writer.noTags()
  return {
    key: 3,
    version: 10,
    name: 'Metadata',
    flexible: true,
    body: writer.done(),
    read(reader) {
      reader.int32()
      const nodes = reader.compactArray(() => {
        const node = { id: reader.int32(), host: reader.compactString() ?? '', port: reader.int32() }
        reader.compactString()
        reader.skipTags()
        return node
      })
      reader.compactString()
      const controller = reader.int32()
      const found = reader.compactArray(() => {
        const error = reader.int16()
        const name = reader.compactString() ?? ''
        const id = reader.slice(16).toString('hex')
        reader.boolean()
        const partitions = reader.compactArray(() => {
          reader.int16()
          const index = reader.int32()
          const leader = reader.int32()
          reader.int32()
          const replicas = reader.compactArray(() => reader.int32()).length
          reader.compactArray(() => reader.int32())
          reader.compactArray(() => reader.int32())
          reader.skipTags()
          return { index, leader, replicas }
        })
        reader.int32()
        reader.skipTags()
        partitions.sort((a, b) => a.index - b.index)
        return {
          error,
          name,
          id,
          leaders: partitions.map(({ leader }) => leader),
          replicas: partitions[0]?.replicas ?? 0,
        }
      })
      return { nodes, controller, topics: found }
    },
  }
}

export interface TopicResult {
  readonly error: number
  readonly message: string | null
}

const ADMIN_TIMEOUT_MS = 15_000

/** With the broker's default replication. */
export function createTopics(
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>>,
): Call<TopicResult> {
  const writer = createWriter()
  writer.array([name], (topic) => {
    writer.string(topic)
    writer.int32(partitions)
    writer.int16(-1)
    writer.array([], () => undefined)
    writer.array(Object.entries(configs), ([key, value]) => {
      writer.string(key)
      writer.string(value)
    })
  })
  writer.int32(ADMIN_TIMEOUT_MS)
  writer.boolean(false)
  return { key: 19, version: 4, name: 'CreateTopics', body: writer.done(), read: readTopicResult }
}

export function createPartitions(name: string, partitions: number): Call<TopicResult> {
  const writer = createWriter()
  writer.array([name], (topic) => {
    writer.string(topic)
    writer.int32(partitions)
    writer.int32(-1)
  })
  writer.int32(ADMIN_TIMEOUT_MS)
  writer.boolean(false)
  return { key: 37, version: 1, name: 'CreatePartitions', body: writer.done(), read: readTopicResult }
}

const readTopicResult: Call<TopicResult>['read'] = (reader) => {
  reader.int32()
  const results = reader.array(() => {
    reader.string()
    return { error: reader.int16(), message: reader.nullableString() }
  })
  return results[0] ?? { error: 0, message: null }
}

export function deleteTopics(name: string): Call<number> {
  const writer = createWriter()
  writer.array([name], writer.string)
  writer.int32(ADMIN_TIMEOUT_MS)
  return {
    key: 20,
    version: 3,
    name: 'DeleteTopics',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const errors = reader.array(() => {
        reader.string()
        return reader.int16()
      })
      return errors[0] ?? 0
    },
  }
}

export const TOPIC_RESOURCE = 2
export const BROKER_RESOURCE = 4

export interface ResourceConfigs {
  readonly name: string
  readonly error: number
  readonly values: Readonly<Record<string, string | null>>
}

export function describeConfigs(
  type: typeof TOPIC_RESOURCE | typeof BROKER_RESOURCE,
  names: readonly string[],
  keys: readonly string[],
): Call<readonly ResourceConfigs[]> {
  const writer = createWriter()
  writer.array(names, (resource) => {
    writer.int8(type)
    writer.string(resource)
    writer.array(keys, writer.string)
  })
  writer.boolean(false)
  return {
    key: 32,
    version: 1,
    name: 'DescribeConfigs',
    body: writer.done(),
    read(reader) {
      reader.int32()
      const resources = reader.array(() => {
        const error = reader.int16()
        reader.nullableString()
        reader.int8()
        const name = reader.string()
        const entries = reader.array(() => {
          const entry = [reader.string(), reader.nullableString()] as const
          reader.boolean()
          reader.int8()
          reader.boolean()
          reader.array(() => [reader.string(), reader.nullableString(), reader.int8()])
          return entry
        })
        return { name, error, values: Object.fromEntries(entries) }
      })
      return resources
    },
  }
}
