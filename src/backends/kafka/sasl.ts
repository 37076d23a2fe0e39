import { createRequire } from 'node:module'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import { createWriter } from './bytes.ts'
import type { Call } from './call.ts'
import { KAFKA } from './errors.ts'
import type { Login } from './login.ts'

/** Sends a request on the connection that is to log in. */
export type Ask = <T>(call: Call<T>) => Promise<T>

/** kafkajs's own way to write one message of a mechanism and read its answer; both with a length in front. */
interface Exchange {
  readonly request: { encode(): Promise<Buffer> }
  readonly response?: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> }
}

type Provider = (login: {
  readonly username: string
  readonly password: string
}) => (context: {
  readonly host: string
  readonly port: number
  readonly logger: object
  saslAuthenticate(exchange: Exchange): Promise<unknown>
}) => { authenticate(): Promise<void> }

const require = createRequire(import.meta.url)
const PROVIDERS = {
  PLAIN: require('kafkajs/src/broker/saslAuthenticator/plain.js') as Provider,
  'SCRAM-SHA-256': require('kafkajs/src/broker/saslAuthenticator/scram256.js') as Provider,
  'SCRAM-SHA-512': require('kafkajs/src/broker/saslAuthenticator/scram512.js') as Provider,
}
const SILENT = { debug: () => undefined, error: () => undefined }
const LENGTH_BYTES = 4
const SEPARATOR = '\u0001'

/**
 * Logs in, or in again (KIP-368), and tells for how many milliseconds the broker lets it count; 0: for as long as the
 * connection lasts. ERR_CONFIG where the broker refuses it, whatever the secret's source or `ask` reject with.
 * The mechanisms' arithmetic is kafkajs's; its OAUTHBEARER takes a refusal for an acceptance, so that is ours.
 */
export async function logIn(ask: Ask, login: Login, place: string): Promise<number> {
  const secret = await login.secret()
  const { error, mechanisms } = await ask(saslHandshake(login.mechanism))
  if (error !== KAFKA.NONE) throw mechanismMissing(place, login.mechanism, mechanisms)
  let lifeMs = 0
  let failure: unknown

  async function step(bytes: Buffer): Promise<Buffer> {
    const answer = await ask(saslAuthenticate(bytes))
    if (answer.error !== KAFKA.NONE) throw refused(place, login, told(answer.message, secret))
    lifeMs = answer.lifeMs
    return answer.bytes
  }

  if (login.mechanism === 'OAUTHBEARER') {
    const bearer = `n,,${SEPARATOR}auth=Bearer ${secret}${SEPARATOR}${SEPARATOR}`
    const challenge = await step(Buffer.from(bearer))
    // RFC 7628, 3.2.3: a refusal is a challenge, and the broker says the rest once that is answered.
    if (challenge.length > 0) await step(Buffer.from(SEPARATOR))
    return lifeMs
  }
  const authenticator = PROVIDERS[login.mechanism]({ username: login.user, password: secret })({
    host: place,
    port: 0,
    logger: SILENT,
    async saslAuthenticate({ request, response }) {
      const answer = await step((await request.encode()).subarray(LENGTH_BYTES)).catch((error: unknown) => {
        failure = error
        throw error
      })
      if (response === undefined) return undefined
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeInt32BE(answer.length)
      return response.parse(await response.decode(Buffer.concat([length, answer])))
    },
  })
  try {
    await authenticator.authenticate()
  } catch (error) {
    // kafkajs puts an error of its own, without a code, in the place of ours.
    throw isDrawbridgeError(failure) ? failure : refused(place, login, told(errorText(error), secret))
  }
  return lifeMs
}

function saslHandshake(mechanism: string): Call<{ readonly error: number; readonly mechanisms: readonly string[] }> {
  const writer = createWriter()
  writer.string(mechanism)
  return {
    key: 17,
    version: 1,
    name: 'SaslHandshake',
    body: writer.done(),
    read: (reader) => ({ error: reader.int16(), mechanisms: reader.array(reader.string) }),
  }
}

function saslAuthenticate(
  bytes: Buffer,
): Call<{ readonly error: number; readonly message: string | null; readonly bytes: Buffer; readonly lifeMs: number }> {
  const writer = createWriter()
  writer.bytes(bytes)
  return {
    key: 36,
    version: 1,
    name: 'SaslAuthenticate',
    body: writer.done(),
    read: (reader) => ({
      error: reader.int16(),
      message: reader.nullableString(),
      bytes: reader.bytes() ?? Buffer.alloc(0),
      lifeMs: reader.int64(),
    }),
  }
}

/** A broker that quotes what it was given must not make us quote it. */
function told(text: string | null, secret: string): string {
  return (text ?? 'without a reason').replaceAll(secret, '***')
}

function refused(place: string, login: Login, why: string): DrawbridgeError {
  const who = 'user' in login ? `user ${JSON.stringify(login.user)}` : 'this token'
  const mend =
    'user' in login
      ? 'check user and password, and that they are set up for this mechanism'
      : 'check where the token comes from'
  return new DrawbridgeError(
    'ERR_CONFIG',
    `Kafka at ${place} refuses the login of ${who} by SASL ${login.mechanism} (${why}): ${mend}`,
    { details: { broker: place, mechanism: login.mechanism, outcome: 'not-written' } },
  )
}

function mechanismMissing(place: string, mechanism: string, has: readonly string[]): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_CONFIG',
    `Kafka at ${place} takes no login by SASL ${mechanism}: choose with mechanism= one it takes (${has.join(', ') || 'none is enabled on this port'})`,
    { details: { broker: place, mechanism, outcome: 'not-written' } },
  )
}
