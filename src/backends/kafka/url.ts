import { DrawbridgeError } from '../../core/errors.ts'

export interface KafkaUrl {
  readonly seeds: readonly { readonly host: string; readonly port: number }[]
  readonly tls: boolean
  readonly login: { readonly user: string; readonly password: string } | undefined
}

const DEFAULT_PORT = 9092
const HOW = 'write kafka://host:9092,host2:9092, or kafka+ssl://user:password@host:9093'

/** Reads `kafka://h1:p,h2:p` and `kafka+ssl://user:pass@h1:p,h2:p` (SASL PLAIN). ERR_CONFIG; no message quotes the URL. */
export function parseKafkaUrl(url: string): KafkaUrl {
  const found = /^kafka(\+ssl)?:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?(\?.*|#.*)?$/i.exec(url)
  if (found === null) throw invalid(`a broker URL of Kafka that cannot be read: ${HOW}`)
  const [, ssl, credentials, hosts = '', rest] = found
  if (rest !== undefined && rest.length > 1) {
    throw invalid(`a broker URL of Kafka takes no options yet, this one has some after its hosts: ${HOW}`)
  }
  const tls = ssl !== undefined
  if (credentials !== undefined && !tls) {
    throw invalid('user and password would travel in the open over kafka://: use kafka+ssl://')
  }
  return {
    seeds: hosts.split(',').map(parseHost),
    tls,
    login: credentials === undefined ? undefined : parseLogin(credentials),
  }
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
