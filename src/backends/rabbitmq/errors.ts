import { DrawbridgeError, type ErrorCode, errorText, isDrawbridgeError } from '../../core/errors.ts'
import { CODES, isRefusal } from './protocol/commands.ts'

type Outcome = 'not-written' | 'unknown'

export function topicUnknown(place: string, topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_TOPIC_UNKNOWN',
    `there is no super stream ${JSON.stringify(topic)} in ${place}: declare it first, or look for its name with "drawbridge topics list"`,
    { details: { topic, outcome: 'not-written' } },
  )
}

export function topicDiffers(topic: string, what: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_TOPIC_DIFFERS',
    `topic ${JSON.stringify(topic)} exists ${what}; nothing was changed: declare it as it is, or widen or delete it first`,
    { details: { topic } },
  )
}

export function groupActive(what: string, topic: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_GROUP_ACTIVE',
    `${what} has live members on topic ${JSON.stringify(topic)}; nothing was changed: stop them first (what died may count for some seconds more)`,
    { details: { topic } },
  )
}

export function fenced(group: string, topic: string, partition: number): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_FENCED',
    `partition ${partition} of topic ${JSON.stringify(topic)} is no longer this member's in group ${JSON.stringify(group)}: its new owner goes on from the last position`,
    { details: { group, topic, partition } },
  )
}

export function closedError(place: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CLOSED', `the connection to ${place} is closed: open it again with connect()`, {
    details: { outcome: 'not-written' },
  })
}

/** Broker errors by code; anything else is a broker out of reach. `what` says what was tried. */
export function brokerError(place: string, what: string, error: unknown, outcome: Outcome): DrawbridgeError {
  if (isDrawbridgeError(error)) return error
  const [code, advice] = meaningOf(error)
  return new DrawbridgeError(code, `${place}: ${what}: ${errorText(error)}; ${advice}`, {
    cause: error,
    details: { outcome },
  })
}

function meaningOf(error: unknown): readonly [ErrorCode, string] {
  if (!isRefusal(error)) return ['ERR_BROKER_UNREACHABLE', 'see that RabbitMQ runs, it will be tried again']
  switch (error.refused.code) {
    case CODES.AuthenticationFailure:
      return ['ERR_CONFIG', 'set user and password in the URL']
    case CODES.AuthenticationFailureLoopback:
      return ['ERR_CONFIG', 'make a user of your own with "rabbitmqctl add_user"']
    case CODES.VirtualHostAccessFailure:
      return ['ERR_CONFIG', 'name a virtual host that exists (rabbitmqctl list_vhosts) and that the user may enter']
    case CODES.AccessRefused:
      return [
        'ERR_CONFIG',
        'give the user the right with "rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ"',
      ]
    case CODES.StreamDoesNotExist:
      return ['ERR_TOPIC_UNKNOWN', 'declare the topic first']
    default:
      return ['ERR_BROKER_UNREACHABLE', 'it will be tried again']
  }
}

/** The broker answers, but not with what Drawbridge needs. */
export function unsupported(place: string, what: string, mend: string): DrawbridgeError {
  return new DrawbridgeError('ERR_UNSUPPORTED', `${place} ${what}: ${mend}`)
}
