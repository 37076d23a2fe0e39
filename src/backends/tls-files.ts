import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { DrawbridgeError, errorText, readProperty } from '../core/errors.ts'

/** Files of PEM, as a broker URL or its configuration names them. */
export interface TlsFiles {
  /** Certificates of the authorities to be trusted, instead of the system's. */
  readonly ca?: string | undefined
  /** Our own certificate and its key: both or none. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
}

/** What Node's `tls.connect` takes. */
export interface TlsOptions {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  passphrase?: string
}

/**
 * Reads the files anew at each call, so that a certificate that was renewed counts from the next connection on. ERR_CONFIG
 * names the file, and shows nothing of what it holds.
 */
export async function readTlsFiles(files: TlsFiles): Promise<TlsOptions> {
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new DrawbridgeError('ERR_CONFIG', 'a client certificate needs both cert and key: name the other file, too')
  }
  const options: TlsOptions = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const file = files[name]
    if (file !== undefined) options[name] = await readPem(name, file)
  }
  if (files.passphrase !== undefined) options.passphrase = files.passphrase
  try {
    createSecureContext(options)
  } catch (error) {
    const named = Object.values({ ...files, passphrase: undefined }).filter((file) => file !== undefined)
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `${named.join(', ')}: not to be used together for TLS (${errorText(error)}): give PEM files, a key that belongs to its certificate, and its passphrase`,
    )
  }
  return options
}

async function readPem(name: string, file: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `${name}=${file} cannot be read (${codeOf(error)}): name a PEM file that exists`,
    )
  }
  if (bytes.includes('-----BEGIN ')) return bytes
  throw new DrawbridgeError('ERR_CONFIG', `${name}=${file} holds no PEM: convert it with openssl, or name another file`)
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME_INVALID/, 'the certificate names another host: use the host it names, or give that with servername='],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'its certificate is out of date: renew it, and look at the clocks'],
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|INVALID_CA/,
    'its certificate comes from an authority that is not trusted here: name that one with ca=FILE',
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER/, 'this port does not speak TLS: name the one that does'],
  [
    /ALERT_CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|ALERT_UNKNOWN_CA|CERTIFICATE_UNKNOWN/,
    'it wants a certificate of ours that it trusts: name one with cert=FILE and key=FILE',
  ],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/, 'it has no version of TLS that is safe: enable TLS 1.2 or 1.3 there'],
]

/** What mends a failure of TLS, undefined for any other error. None of these goes away by trying again. */
export function tlsAdvice(error: unknown): string | undefined {
  const code = codeOf(error)
  return ADVICE.find(([pattern]) => pattern.test(code))?.[1]
}

function codeOf(error: unknown): string {
  const code = readProperty(error, 'code')
  return typeof code === 'string' ? code : 'no code'
}
