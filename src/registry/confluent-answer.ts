import { DrawbridgeError, errorText, readProperty } from '../core/errors.ts'

/** What the registry said: JSON, and for an error the dialect's code and message. */
export interface Answer {
  readonly host: string
  readonly status: number
  readonly json: unknown
  /** Null where the call succeeded. */
  readonly errorCode: number | null
  readonly message: string
}

/** A host that said nothing of the dialect. */
export interface Failure {
  readonly host: string
  /** What happened, and what to do where that is known. */
  readonly reason: string
  /** Whether the same call may get an answer soon. */
  readonly again: boolean
}

const MAX_MESSAGE = 500

/**
 * An answer counts only where it is in the dialect: a 404 without its error code comes from a proxy or a wrong path, and
 * must never be taken for an unknown id, for which records are set aside.
 */
export function judgeAnswer(host: string, status: number, body: string, secrets: readonly string[]): Answer | Failure {
  const json = parse(body)
  const code = readProperty(json, 'error_code')
  const errorCode = typeof code === 'number' ? code : null
  const said = readProperty(json, 'message')
  const message = shown(typeof said === 'string' ? said : '', secrets)
  const failure = (reason: string, again: boolean): Failure => ({ host, reason, again })
  if (status >= 200 && status < 300) {
    return json === undefined
      ? failure(`answers ${status} with something that is not JSON; is this the base URL of a schema registry?`, true)
      : { host, status, json, errorCode: null, message }
  }
  if (status === 401 || status === 403)
    return failure(`refuses the login (${status}); check user and password, or the token`, false)
  if (status === 429 || status >= 500) return failure(`answers ${status}${quoted(errorCode, message)}`, true)
  if (status < 400)
    return failure(`answers ${status}, a redirection, which is not followed; give the URL it leads to`, false)
  if (errorCode === null || errorCode === status) {
    if (status === 409 || status === 422) return { host, status, json, errorCode: status, message }
    return failure(
      `answers ${status} without an error code of the dialect${quoted(errorCode, message)}; is this its base URL, with its path?`,
      false,
    )
  }
  return { host, status, json, errorCode, message }
}

/** What kept a host from answering. `lateAfterMs`: the time limit that passed, or null. */
export function failureOf(host: string, error: unknown, lateAfterMs: number | null, maxBodyBytes: number): Failure {
  if (lateAfterMs !== null)
    return { host, reason: `gave no whole answer within ${Math.round(lateAfterMs)} ms`, again: true }
  const found = readProperty(error, 'code')
  const code = typeof found === 'string' ? found : ''
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return { host, reason: `answers with more than ${maxBodyBytes} bytes`, again: false }
  if (isTlsCode(code)) {
    const next = 'check the host name, or give its authority as `ca` or by NODE_EXTRA_CA_CERTS'
    return { host, reason: `cannot be trusted (${code}): ${next}`, again: false }
  }
  return { host, reason: `cannot be reached (${errorText(error)})`, again: true }
}

/** ERR_BROKER_UNREACHABLE for whatever kept the registry from answering. */
export function unreachable(
  failure: Failure | undefined,
  outcome: 'not-written' | 'unknown' = 'not-written',
): DrawbridgeError {
  const { host, reason } = failure ?? { host: '(any)', reason: 'gave no answer in time' }
  return new DrawbridgeError('ERR_BROKER_UNREACHABLE', `the schema registry ${host} ${reason}`, {
    details: { registry: host, outcome },
  })
}

function isTlsCode(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|_TLS_|_SSL_|^EPROTO|HOSTNAME_MISMATCH/.test(code)
}

function quoted(errorCode: number | null, message: string): string {
  const text = [errorCode === null ? '' : String(errorCode), message].filter((part) => part !== '').join(': ')
  return text === '' ? '' : ` (${text})`
}

/** A foreign text for people: in one line, not too long, and whatever it repeats of a login blotted out. */
function shown(text: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
  return clean.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MAX_MESSAGE)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}
