import { DrawbridgeError } from '../../core/errors.ts'

export interface KafkaUrl {
  readonly seeds: readonly { readonly host: string; readonly port: number }[]
  readonly tls: boolean
  readonly login: { readonly user: string; readonly password: string } | undefined
  /** What stands after the hosts; names are among OPTIONS, each once. */
  readonly options: Readonly<Partial<Record<KafkaOption, string>>>
}

/** The configuration file knows the same names, and more: see settings.ts. */
export const OPTIONS = ['config', 'ca', 'cert', 'key', 'servername', 'mechanism', 'compression', 'instance'] as const
export type KafkaOption = (typeof OPTIONS)[number]

const DEFAULT_PORT = 9092
const HOW = 'write kafka://host:9092,host2:9092, or kafka+ssl://user:password@host:9093?config=FILE'

/** Reads `kafka[+ssl]://[user:password@]h1:p,h2:p[?option=value&…]`. ERR_CONFIG; no message quotes the URL. */
export function parseKafkaUrl(url: string): KafkaUrl {
  const found = /^kafka(\+ssl)?:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?(\?.*|#.*)?$/i.exec(url)
  if (found === null) throw invalid(`a broker URL of Kafka that cannot be read: ${HOW}`)
  const [, ssl, credentials, hosts = '', rest] = found
  return {
    seeds: hosts.split(',').map(parseHost),
    tls: ssl !== undefined,
    login: credentials === undefined ? undefined : parseLogin(credentials),
    options: parseOptions(rest ?? ''),
  }
}

function parseOptions(text: string): KafkaUrl['options'] {
  const options: Partial<Record<KafkaOption, string>> = {}
  if (text.startsWith('#')) throw invalid(`a broker URL of Kafka has nothing after "#": ${HOW}`)
  for (const [name, value] of new URLSearchParams(text)) {
    const known = OPTIONS.find((option) => option === name)
    if (known === undefined) {
      // The name itself may be the rest of a password that was not encoded.
      throw invalid(
        `a broker URL of Kafka with an option that is none of ${OPTIONS.join(', ')}; encode ? as %3F in a password`,
      )
    }
    if (options[known] !== undefined || value === '') {
      throw invalid(`option ${name} of the broker URL is empty or stands there twice: give it one value`)
    }
    options[known] = value
  }
  return options
}

function parseHost(text: string): { host: string; port: number } {
  const found = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(text)
  const port = Number(found?.[2] ?? DEFAULT_PORT)
  if (found?.[1] === undefined || port < 1 || port > 65_535) {
    throw invalid(`a broker URL of Kafka with a host or port that cannot be read: ${HOW}`)
  }
  return { host: found[1].replace(/^\[|\]$/g, ''), port }
}

function parseLogin(text: string): { user: string; password: string } {
  const colon = text.indexOf(':')
  if (colon < 1) throw invalid(`a broker URL of Kafka with half a login: ${HOW}`)
  try {
    return { user: decodeURIComponent(text.slice(0, colon)), password: decodeURIComponent(text.slice(colon + 1)) }
  } catch {
    throw invalid('user or password in the broker URL is badly percent-encoded: encode % as %25')
  }
}

function invalid(message: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CONFIG', message)
}
