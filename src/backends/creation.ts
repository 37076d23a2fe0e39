import type { Backend, FeedOptions } from '../core/backend.ts'
import { DrawbridgeError, hasCode } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type TopicSpec, KEPT_FOR_EVER, specText } from '../core/topic-spec.ts'
import { deadLetterTopic, isDeadLetterTopic, isInternalTopic } from '../core/topic.ts'

/**
 * The same backend for a cluster on which others make the topics (`--no-create`): where one is missing, the error
 * (ERR_TOPIC_UNKNOWN) says how an administrator makes it. What a group will need later is told when it joins.
 */
export function withoutCreation(backend: Backend, log: Log): Backend {
  return { ...backend, createTopic, openFeed }

  async function createTopic(spec: TopicSpec): Promise<void> {
    const found = await describe(spec.name)
    if (found === undefined) throw await topicMissing(backend, spec)
    if (specText(found) === specText(spec)) return
    throw new DrawbridgeError(
      'ERR_TOPIC_DIFFERS',
      `topic ${JSON.stringify(spec.name)} exists with ${specText(found)}, not ${specText(spec)}: declare it as it is, or choose another name`,
      { details: { topic: spec.name } },
    )
  }

  async function openFeed(options: FeedOptions): ReturnType<Backend['openFeed']> {
    const { topic, group } = options
    if (!isDeadLetterTopic(topic) && !isInternalTopic(topic)) await lookForLetters(topic, group)
    return backend.openFeed(options)
  }

  async function lookForLetters(topic: string, group: string): Promise<void> {
    const name = deadLetterTopic(topic, group)
    const [source, letters] = await Promise.all([describe(topic), describe(name)])
    if (source === undefined || letters !== undefined) return
    const { message } = await topicMissing(backend, { ...KEPT_FOR_EVER, name, partitions: source.partitions })
    log.warn({ topic, group }, `a record that cannot be handled will block its partition: ${message}`)
  }

  async function describe(topic: string): Promise<TopicSpec | undefined> {
    try {
      return await backend.describeTopic(topic)
    } catch (error) {
      if (hasCode(error, 'ERR_TOPIC_UNKNOWN')) return undefined
      throw error
    }
  }
}

/** ERR_TOPIC_UNKNOWN with what an administrator does about it. */
export async function topicMissing(
  backend: Pick<Backend, 'creationCommand'>,
  spec: TopicSpec,
): Promise<DrawbridgeError> {
  const command = await backend.creationCommand?.(spec)
  const how = command ?? 'run the same once without --no-create, as a user who may create topics'
  return new DrawbridgeError(
    'ERR_TOPIC_UNKNOWN',
    `there is no topic ${JSON.stringify(spec.name)} (${specText(spec)}), and --no-create makes none; an administrator does: ${how}`,
    { details: { topic: spec.name, outcome: 'not-written' } },
  )
}
