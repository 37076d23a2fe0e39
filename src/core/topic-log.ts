import type { Backend } from './backend.ts'
import { hasCode } from './errors.ts'
import { readBatches } from './raw-reader.ts'
import type { NewRecord, StoredRecord } from './record.ts'
import { KEPT_FOR_EVER } from './topic-spec.ts'

/** An internal topic of one partition that every process may append to, and reads from its beginning. */
export interface TopicLog {
  /** Resolves when everything that was appended before the call has been applied. A topic that is not there is empty. */
  catchUp(): Promise<void>
  /** Resolves when durable; creates the topic at the first call. */
  append(record: NewRecord): Promise<void>
  /** Resolves when no read is under way; never rejects. */
  settled(): Promise<void>
}

/** `apply` gets every record once, in order. */
export function createTopicLog(backend: Backend, topic: string, apply: (record: StoredRecord) => void): TopicLog {
  let created = false
  let position = 0
  let last: Promise<void> = Promise.resolve()
  /** A read that has not begun: whoever asks before it does shares it. */
  let queued: Promise<void> | undefined

  async function readOn(): Promise<void> {
    let end: number
    try {
      end = (await backend.describeTopic(topic)).ranges[0]?.end ?? 0
    } catch (error) {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return
      throw error
    }
    for await (const { records } of readBatches(backend, topic, [{ partition: 0, from: position, to: end }])) {
      for (const record of records) {
        apply(record)
        position = record.offset + 1
      }
    }
  }

  return {
    catchUp() {
      queued ??= last.then(() => {
        queued = undefined
        return readOn()
      })
      last = queued.catch(() => undefined)
      return queued
    },
    async append(record) {
      if (!created) await backend.createTopic({ name: topic, partitions: 1, ...KEPT_FOR_EVER })
      created = true
      await backend.append(topic, 0, [record])
    },
    settled: () => last,
  }
}
