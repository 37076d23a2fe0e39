import { type ConfigLevel, readConfigFile } from '../config-file.ts'
import { type TlsFiles, readTlsFiles } from '../tls-files.ts'
import { DrawbridgeError } from '../../core/errors.ts'
import { CODECS, type Codec, checkCodec } from './compression.ts'
import { type Login, PASSWORD_MECHANISMS, passwordFrom } from './login.ts'
import { TOKEN_KEYS, createTokenSource } from './token.ts'
import { type KafkaOption, type KafkaUrl, OPTIONS, parseKafkaUrl } from './url.ts'

/** How to reach a cluster and what to do there. Holds secrets behind functions only, so that nothing prints them. */
export interface KafkaSettings {
  readonly seeds: KafkaUrl['seeds']
  readonly tls: TlsSettings | undefined
  readonly login: Login | undefined
  readonly compression: Codec
  /** Makes memberships static (KIP-345); undefined: they end with their connection. */
  readonly instance: string | undefined
}

export interface TlsSettings {
  readonly servername: string | undefined
  /** What the files hold now. */
  read(): ReturnType<typeof readTlsFiles>
}

const FILE_KEYS = [
  ...OPTIONS.filter((name) => name !== 'config'),
  'passphrase',
  'user',
  'password',
  'passwordFile',
  'token',
]
const TOKEN_LOGIN = 'OAUTHBEARER'
/** With the topic behind it, a static member's name may have 249 characters. */
const INSTANCE = /^[a-zA-Z0-9._-]{1,40}$/

/** Reads the URL and the file it names with `config=`; what the URL says wins. ERR_CONFIG names option, key and file. */
export async function readSettings(url: string): Promise<KafkaSettings> {
  const parsed = parseKafkaUrl(url)
  const { config: name } = parsed.options
  const file = name === undefined ? undefined : await readConfigFile(name, FILE_KEYS)
  const option = (key: KafkaOption) => parsed.options[key] ?? file?.text(key)
  const path = (key: 'ca' | 'cert' | 'key') => parsed.options[key] ?? file?.path(key)
  const files: TlsFiles & { readonly servername: string | undefined } = {
    ca: path('ca'),
    cert: path('cert'),
    key: path('key'),
    passphrase: file?.text('passphrase'),
    servername: option('servername'),
  }
  return {
    seeds: parsed.seeds,
    tls: parsed.tls ? await tlsOf(files) : withoutTls(files),
    login: loginOf(parsed, option('mechanism')?.toUpperCase(), file),
    compression: codecOf(option('compression')),
    instance: instanceOf(option('instance')),
  }
}

async function tlsOf({
  servername,
  ...files
}: TlsFiles & { readonly servername: string | undefined }): Promise<TlsSettings> {
  // Looked at now, so that a mistake is told before anything else.
  await readTlsFiles(files)
  return { servername, read: () => readTlsFiles(files) }
}

function withoutTls(files: TlsFiles & { readonly servername: string | undefined }): undefined {
  const given = Object.entries(files).find(([, value]) => value !== undefined)?.[0]
  if (given !== undefined) throw invalid(`${given} is for TLS only: begin the broker URL with kafka+ssl://`)
  return undefined
}

function loginOf(url: KafkaUrl, named: string | undefined, file: ConfigLevel | undefined): Login | undefined {
  const user = url.login?.user ?? file?.text('user')
  const token = file?.level('token', TOKEN_KEYS)
  const mechanism = named ?? (token !== undefined ? TOKEN_LOGIN : user === undefined ? undefined : 'PLAIN')
  if (mechanism === undefined) return undefined
  if (!url.tls && !mechanism.startsWith('SCRAM')) {
    throw invalid(
      `with ${oneOf('mechanism', mechanism, MECHANISMS)} what proves who you are would travel in the open over kafka://: use kafka+ssl://`,
    )
  }
  if (mechanism === TOKEN_LOGIN) {
    if (token === undefined) {
      throw invalid(
        `mechanism ${TOKEN_LOGIN} needs a token: say in the file of config=FILE where it comes from (token: with file, command or url)`,
      )
    }
    return { mechanism, secret: createTokenSource(token) }
  }
  const known = oneOf('mechanism', mechanism, PASSWORD_MECHANISMS, [TOKEN_LOGIN])
  if (token !== undefined && file !== undefined)
    throw file.wrong('token', `is for mechanism ${TOKEN_LOGIN} alone, not ${known}`)
  if (user === undefined)
    throw invalid(`mechanism ${known} needs user and password: give them in the URL or in the file of config=FILE`)
  return { mechanism: known, user, secret: passwordFrom(url.login?.password, file) }
}

const MECHANISMS = [...PASSWORD_MECHANISMS, TOKEN_LOGIN]

function oneOf<T extends string>(
  option: string,
  value: string,
  known: readonly T[],
  others: readonly string[] = [],
): T {
  const found = known.find((one) => one === value)
  if (found !== undefined) return found
  throw invalid(`${option} is to be one of ${[...known, ...others].join(', ')}`)
}

function codecOf(text = 'none'): Codec {
  const codec = oneOf('compression', text.toLowerCase(), CODECS)
  checkCodec(codec)
  return codec
}

function instanceOf(text: string | undefined): string | undefined {
  if (text === undefined || INSTANCE.test(text)) return text
  throw invalid('instance is to be 1 to 40 of a-z, A-Z, 0-9, ".", "_" and "-", and another one for each process')
}

function invalid(message: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CONFIG', message)
}
