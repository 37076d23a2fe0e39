import { DrawbridgeError, type ErrorCode, errorText, isDrawbridgeError, readProperty } from '../../core/errors.ts'
import { tlsAdvice } from '../tls-files.ts'
import { CODES, type Command, isRefusal } from './protocol/commands.ts'

/** What each command needs of the user (RabbitMQ 4.0, rabbit_stream_reader); a super stream is bound, too. */
const RIGHTS: Partial<Readonly<Record<Command, string>>> = {
  Create: 'configure',
  Delete: 'configure',
  CreateSuperStream: 'configure, write and read',
  DeleteSuperStream: 'configure',
  DeclarePublisher: 'write',
  Subscribe: 'read',
  QueryOffset: 'read',
  StreamStats: 'read',
}
const AMQP_ACCESS_REFUSED = 403
const AMQP_NOT_ALLOWED = 530

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
  if (isRefusal(error)) return meaningOfCode(error.refused.code, RIGHTS[error.refused.command])
  const tls = tlsAdvice(error)
  if (tls !== undefined) return ['ERR_CONFIG', tls]
  const code = readProperty(error, 'code')
  if (code === AMQP_ACCESS_REFUSED || /ACCESS[_-]REFUSED/.test(errorText(error))) return meaningOfAmqp(errorText(error))
  if (code === AMQP_NOT_ALLOWED || /NOT[_-]ALLOWED/.test(errorText(error)))
    return meaningOfCode(CODES.VirtualHostAccessFailure)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return ['ERR_BROKER_UNREACHABLE', 'see that the URL names its host right, it will be tried again']
  if (errorText(error).includes('before secure TLS connection'))
    return ['ERR_BROKER_UNREACHABLE', 'see that this port speaks TLS, it will be tried again']
  return ['ERR_BROKER_UNREACHABLE', 'see that RabbitMQ runs, it will be tried again']
}

function meaningOfCode(code: number, right?: string): readonly [ErrorCode, string] {
  switch (code) {
    case CODES.AuthenticationFailure:
      return ['ERR_CONFIG', 'set user and password in the URL']
    case CODES.AuthenticationFailureLoopback:
      return ['ERR_CONFIG', 'make a user of your own with "rabbitmqctl add_user"']
    case CODES.VirtualHostAccessFailure:
      return ['ERR_CONFIG', 'name a virtual host that exists (rabbitmqctl list_vhosts) and that the user may enter']
    case CODES.AccessRefused:
      return ['ERR_CONFIG', rightAdvice(right)]
    case CODES.StreamDoesNotExist:
      return ['ERR_TOPIC_UNKNOWN', 'declare the topic first']
    case CODES.StreamNotAvailable:
      return ['ERR_BROKER_UNREACHABLE', 'see that enough nodes of RabbitMQ run, it will be tried again']
    default:
      return ['ERR_BROKER_UNREACHABLE', 'it will be tried again']
  }
}

/** Login or right: amqplib tells both by the same code. */
function meaningOfAmqp(text: string): readonly [ErrorCode, string] {
  if (/login was refused|PLAIN|authentication/i.test(text)) return meaningOfCode(CODES.AuthenticationFailure)
  const right = /\b(configure|write|read) access\b/.exec(text)?.[1]
  return ['ERR_CONFIG', rightAdvice(right)]
}

function rightAdvice(right: string | undefined): string {
  const missing = right === undefined ? 'the right' : `the right to ${right}`
  return `give the user ${missing} with "rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ", three patterns of names; besides the topic's own they have to match drawbridge.*`
}

/** What would be a mistake, were the broker not just starting. */
export function awayError(error: Error): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_BROKER_UNREACHABLE',
    `${error.message} (it was right before, so it will be tried again)`,
    {
      cause: error,
      details: { outcome: 'not-written' },
    },
  )
}

/** The broker answers, but not with what Drawbridge needs. */
export function unsupported(place: string, what: string, mend: string): DrawbridgeError {
  return new DrawbridgeError('ERR_UNSUPPORTED', `${place} ${what}: ${mend}`)
}
