import { DrawbridgeError } from '../core/errors.ts'

/** A registry that speaks Confluent's REST dialect, and how to log in there. Nothing of the login is ever shown. */
export interface RegistryOptions {
  /**
   * Base URL, such as `https://schemas.example:8081`; several, in a list or with commas, are nodes of one registry. User and
   * password may stand in it.
   */
  readonly url: string | readonly string[]
  /** Basic authentication, for URLs without a login. */
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Bearer token, for URLs without a login. */
  readonly token?: string | undefined
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
}

export interface RegistryHost {
  /** Without credentials and without a slash at its end. */
  readonly base: string
  readonly authorization: string | undefined
}

export interface RegistryTarget {
  readonly hosts: readonly RegistryHost[]
  readonly ca: string | undefined
  /** What must not appear in any message. */
  readonly secrets: readonly string[]
}

/** Null for the registry kept in the broker: nothing given, or the word `topic`. ERR_CONFIG, without showing the URL. */
export function parseRegistryOptions(given: string | RegistryOptions | undefined): RegistryTarget | null {
  if (given === undefined || given === '' || given === 'topic') return null
  const options: RegistryOptions = typeof given === 'string' ? { url: given } : given
  const { url, user, password, token, ca } = options
  const urls = (typeof url === 'string' ? url.split(',') : url).map((each) => each.trim())
  if (urls.length === 0) throw invalid(0, 'is missing')
  if (token !== undefined && user !== undefined)
    throw new DrawbridgeError('ERR_CONFIG', 'registry: give either a token, or user and password')
  const common = token !== undefined ? `Bearer ${token}` : user !== undefined ? basic(user, password ?? '') : undefined
  const hosts = urls.map((each, index) => parseHost(each, index, common))
  const inUrls = urls.flatMap((each) => {
    const found = new URL(each).password
    return [found, decodeURIComponent(found)]
  })
  const secrets = [password, token, ...hosts.map(({ authorization }) => authorization?.split(' ')[1]), ...inUrls]
  return { hosts, ca, secrets: secrets.flatMap((secret) => (secret === undefined || secret === '' ? [] : [secret])) }
}

/** What of a registry's address must not be shown; nothing for what is no such address. */
export function registrySecrets(given: string | RegistryOptions | undefined): readonly string[] {
  try {
    return parseRegistryOptions(given)?.secrets ?? []
  } catch {
    return []
  }
}

function parseHost(text: string, index: number, common: string | undefined): RegistryHost {
  if (!URL.canParse(text)) throw invalid(index, 'cannot be read')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid(index, `begins with ${url.protocol}`)
  if (url.search !== '' || url.hash !== '') throw invalid(index, 'has a query or a fragment; leave them out')
  let login: string | undefined
  try {
    if (url.username !== '') login = basic(decodeURIComponent(url.username), decodeURIComponent(url.password))
  } catch {
    throw invalid(index, 'has a login that is not percent-encoded')
  }
  return { base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, authorization: login ?? common }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function invalid(index: number, problem: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONFIG',
    `registry URL ${index + 1} ${problem}; write http://HOST:PORT or https://HOST:PORT, with commas between several`,
  )
}
