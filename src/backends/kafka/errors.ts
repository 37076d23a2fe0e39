import { DrawbridgeError, type ErrorCode } from '../../core/errors.ts'

export type Outcome = 'not-written' | 'unknown'

/** The codes this driver meets (https://kafka.apache.org/protocol#protocol_error_codes). */
export const KAFKA = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  GROUP_MAX_SIZE_REACHED: 81,
  FENCED_INSTANCE_ID: 82,
  GROUP_SUBSCRIBED_TO_TOPIC: 86,
  INVALID_RECORD: 87,
} as const

const NAMES = new Map<number, string>(Object.entries(KAFKA).map(([name, code]) => [code, name]))

/** The cluster is on the move: ask where the leader or coordinator is now, and again. Nothing was done. */
const MOVING = new Set<number>([
  KAFKA.LEADER_NOT_AVAILABLE,
  KAFKA.NOT_LEADER_OR_FOLLOWER,
  KAFKA.COORDINATOR_LOAD_IN_PROGRESS,
  KAFKA.COORDINATOR_NOT_AVAILABLE,
  KAFKA.NOT_COORDINATOR,
  KAFKA.NOT_CONTROLLER,
  KAFKA.KAFKA_STORAGE_ERROR,
  KAFKA.FENCED_LEADER_EPOCH,
  KAFKA.UNKNOWN_LEADER_EPOCH,
  KAFKA.OFFSET_NOT_AVAILABLE,
])

export function isMoving(code: number): boolean {
  return MOVING.has(code)
}

/** What a user lacks where Kafka says no more than that it lacks something. */
const RIGHTS: Readonly<Record<number, string>> = {
  [KAFKA.TOPIC_AUTHORIZATION_FAILED]: 'Describe and Read on the topic',
  [KAFKA.GROUP_AUTHORIZATION_FAILED]: 'Describe and Read on the group',
  [KAFKA.CLUSTER_AUTHORIZATION_FAILED]: 'Describe on the cluster',
}

/**
 * What the broker's answer means; `place` begins the message, like "topic orders, partition 3". `right` names what the
 * request needed where access rules refuse it.
 */
export function kafkaError(
  code: number,
  place: string,
  outcome: Outcome = 'not-written',
  right = RIGHTS[code],
): DrawbridgeError {
  const name = NAMES.get(code) ?? `error ${code}`
  const error = (ours: ErrorCode, advice: string, known = outcome) =>
    new DrawbridgeError(ours, `${place}: Kafka says ${name}; ${advice}`, {
      cause: new Error(`${name} (${code})`),
      details: { kafka: code, outcome: known },
    })
  if (code in RIGHTS) return error('ERR_CONFIG', `this user has no right to it: give it ${right}`)
  if (MOVING.has(code)) return error('ERR_BROKER_UNREACHABLE', 'the cluster is choosing who serves it, try again')
  switch (code) {
    case KAFKA.UNKNOWN_TOPIC_OR_PARTITION:
      return error('ERR_TOPIC_UNKNOWN', 'declare it first, or look for its name with "drawbridge topics list"')
    case KAFKA.INVALID_TOPIC_EXCEPTION:
      return error('ERR_CONFIG', 'Kafka does not take this name')
    case KAFKA.MESSAGE_TOO_LARGE:
    case KAFKA.RECORD_LIST_TOO_LARGE:
      return error('ERR_RECORD_TOO_LARGE', "raise the topic's max.message.bytes to 1048588 or more", 'not-written')
    case KAFKA.NOT_ENOUGH_REPLICAS:
      return error('ERR_APPEND_FAILED', 'too few replicas are in sync, bring brokers back', 'not-written')
    case KAFKA.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case KAFKA.REQUEST_TIMED_OUT:
      return error('ERR_APPEND_FAILED', 'the replicas did not confirm in time', 'unknown')
    case KAFKA.INCONSISTENT_GROUP_PROTOCOL:
      return error(
        'ERR_CONFIG',
        'the group has members that share partitions in another way than cooperative-sticky: stop them, or use a group of your own',
      )
    case KAFKA.INVALID_RECORD:
      return error('ERR_VALUE_INVALID', 'a record of a compacted topic needs a key', 'not-written')
    case KAFKA.INVALID_GROUP_ID:
      return error('ERR_CONFIG', 'Kafka does not take this name of a group')
    case KAFKA.FENCED_INSTANCE_ID:
      return error('ERR_CONFIG', 'another process joined with the same instance=: give each process another one')
    case KAFKA.INVALID_SESSION_TIMEOUT:
      return error(
        'ERR_CONFIG',
        "10 s (with instance= 60 s) must be within the broker's group.min and group.max.session.timeout.ms",
      )
    case KAFKA.NON_EMPTY_GROUP:
    case KAFKA.GROUP_SUBSCRIBED_TO_TOPIC:
      return error('ERR_GROUP_ACTIVE', 'stop its members first')
    default:
      return error('ERR_APPEND_FAILED', "look into the broker's log")
  }
}

/**
 * What the node says that the cluster named as a partition's leader. It may hear of a topic later than the node that
 * named it; whether the topic is gone tells the next question of the cluster.
 */
export function leaderError(code: number, place: string, right?: string): DrawbridgeError {
  const known = code === KAFKA.UNKNOWN_TOPIC_OR_PARTITION ? KAFKA.LEADER_NOT_AVAILABLE : code
  return kafkaError(known, place, 'not-written', right)
}

export function topicUnknown(topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_TOPIC_UNKNOWN',
    `there is no topic ${JSON.stringify(topic)} on this Kafka: declare it first, or look for its name with "drawbridge topics list"`,
    { details: { topic, outcome: 'not-written' } },
  )
}

export function groupActive(group: string, topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_GROUP_ACTIVE',
    `group ${JSON.stringify(group)} has live members, and Kafka lets nobody else move its position on topic ${JSON.stringify(topic)}: stop them first (a crashed one is gone after 10 s, one with instance= 60 s after it stopped)`,
    { details: { group, topic } },
  )
}

export function fenced(group: string, topic: string, partition: number, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_FENCED',
    `partition ${partition} of topic ${JSON.stringify(topic)} is no longer this member's in group ${JSON.stringify(group)}: nothing was committed, its new owner goes on from the last position`,
    { cause, details: { group, topic, partition, outcome: 'not-written' } },
  )
}

export function closedError(): DrawbridgeError {
  return new DrawbridgeError('ERR_CLOSED', 'the connection to Kafka is closed: open it again with connect()', {
    details: { outcome: 'not-written' },
  })
}

export function unreachable(place: string, what: string, outcome: Outcome, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_BROKER_UNREACHABLE',
    `Kafka at ${place} did not answer (${what}): check that it runs and can be reached from here`,
    { cause, details: { broker: place, outcome } },
  )
}

/** The same error, with what it means for the whole. */
export function withOutcome(error: DrawbridgeError, outcome: Outcome): DrawbridgeError {
  return new DrawbridgeError(error.code, error.message, { cause: error, details: { ...error.details, outcome } })
}
