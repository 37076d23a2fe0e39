import { readFile } from 'node:fs/promises'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import { type ConfigLevel, readConfigFile } from '../config-file.ts'
import type { TlsFiles } from '../tls-files.ts'

/** A node of a RabbitMQ. */
export interface Node {
  readonly host: string
  readonly amqpPort: number
  readonly streamPort: number
  readonly managementPort: number
}

/** Where a RabbitMQ is and who we are there. Never shown: `place` is what may be. */
export interface Target {
  /** At least one; any of them will do. */
  readonly nodes: readonly [Node, ...Node[]]
  readonly tls: boolean
  readonly files: TlsFiles
  /** The name its certificate must bear where that is not the host. */
  readonly servername: string | undefined
  readonly user: string
  readonly password: string
  /** Holds the password; read at each login. */
  readonly passwordFile: string | undefined
  readonly virtualHost: string
  /** For messages and logs: host, port and virtual host. */
  readonly place: string
}

/** Those that name files or a name for TLS alone. */
const TLS_PARAMETERS = ['ca', 'cert', 'key', 'servername'] as const
const PARAMETERS: readonly string[] = ['config', 'stream', 'management', 'passwordFile', ...TLS_PARAMETERS]
const CONFIG_KEYS: readonly string[] = [
  ...PARAMETERS.filter((name) => name !== 'config'),
  'user',
  'password',
  'passphrase',
]
/** Scheme, login, hosts, virtual host, parameters. */
const SHAPE = /^(amqps?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i

/**
 * Reads `amqp[s]://USER:PASSWORD@HOST:PORT,HOST2:PORT/VHOST?stream=PORT&management=PORT`. Ports default to RabbitMQ's own:
 * 5672, 5552 and 15672, with TLS 5671, 5551 and 15671; of several hosts each may have its own, `stream=PORT,PORT`. With TLS
 * `ca`, `cert` and `key` name PEM files, `servername` the name the certificate must bear; `passwordFile` names the file that
 * holds the password. `config=FILE` names a YAML or JSON file of the same keys and of `user`, `password` and `passphrase`;
 * what stands in the URL wins. ERR_CONFIG, without a word of what could be a password.
 */
export async function readRabbitmqUrl(url: string): Promise<Target> {
  const file = new URLSearchParams(SHAPE.exec(url)?.[5] ?? '').get('config')
  return parseRabbitmqUrl(url, file === null ? undefined : await readConfigFile(file, CONFIG_KEYS))
}

/** As `readRabbitmqUrl`, with the configuration file read already. */
export function parseRabbitmqUrl(url: string, config?: ConfigLevel): Target {
  const [, scheme, login = '', hosts, place = '', query = ''] = SHAPE.exec(url) ?? []
  if (scheme === undefined || hosts === undefined) throw configError('it has not this form')
  const tls = scheme.toLowerCase() === 'amqps'
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys())
    if (!PARAMETERS.includes(name)) throw configError(`it has the unknown parameter ${JSON.stringify(name)}`)
  const given = (name: string) => parameters.get(name) ?? config?.text(name)
  const path = (name: string) => parameters.get(name) ?? config?.path(name)
  for (const name of TLS_PARAMETERS)
    if (!tls && given(name) !== undefined) throw configError(`${name} is for TLS, so begin it with amqps:`)
  const colon = login.indexOf(':')
  const user = decoded(colon < 0 ? login : login.slice(0, colon)) || config?.text('user')
  const password = (colon < 0 ? '' : decoded(login.slice(colon + 1))) || config?.text('password')
  const names = hosts.split(',')
  const streamPorts = portsOf(given('stream'), 'stream', names.length, tls ? 5551 : 5552)
  const managementPorts = portsOf(given('management'), 'management', names.length, tls ? 15671 : 15672)
  const nodes = names.map((text, index) => ({
    ...hostOf(text, tls ? 5671 : 5672),
    streamPort: streamPorts[index] as number,
    managementPort: managementPorts[index] as number,
  }))
  const virtualHost = decoded(place) || '/'
  return {
    nodes: nodes as [Node, ...Node[]],
    tls,
    files: { ca: path('ca'), cert: path('cert'), key: path('key'), passphrase: config?.text('passphrase') },
    servername: given('servername'),
    user: user ?? 'guest',
    password: password ?? 'guest',
    passwordFile: path('passwordFile'),
    virtualHost,
    place: `RabbitMQ at ${nodes.map(({ host, amqpPort }) => `${host}:${amqpPort}`).join(', ')}, virtual host ${JSON.stringify(virtualHost)}`,
  }
}

/** The password of this moment. ERR_CONFIG for a file that cannot be read. */
export async function passwordOf({ password, passwordFile }: Target): Promise<string> {
  if (passwordFile === undefined) return password
  try {
    return (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `passwordFile=${passwordFile} cannot be read: ${errorText(error)}; name a file that holds the password alone`,
    )
  }
}

function hostOf(text: string, otherwise: number): { host: string; amqpPort: number } {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  if (host === undefined) throw configError('it has a host or port that cannot be read')
  return { host: host.replace(/^\[|\]$/g, ''), amqpPort: portOf(port, 'port', otherwise) }
}

/** One for all hosts, or one for each. */
function portsOf(text: string | undefined, name: string, hosts: number, otherwise: number): readonly number[] {
  const ports = (text ?? '').split(',').map((each) => portOf(text === undefined ? undefined : each, name, otherwise))
  if (ports.length !== 1 && ports.length !== hosts)
    throw configError(`it names ${hosts} hosts and ${ports.length} ports of ${name}`)
  return ports.length === hosts ? ports : Array<number>(hosts).fill(ports[0] as number)
}

function portOf(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw configError(`its ${name} is no port number`)
  return port
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw configError('it has a % that begins no character; write %25')
  }
}

function configError(what: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONFIG',
    `the RabbitMQ URL, or what its configuration file says, cannot be used: ${what}; write amqp://USER:PASSWORD@HOST:5672/VHOST, with ?stream=PORT where the stream port is not 5552 (5551 with TLS)`,
  )
}
