import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): symmetric
 * signatures. Signed is `ID.TIMESTAMP.BODY`; the signature header holds `v1,BASE64` once per secret.
 */
export const SECRET_PREFIX = 'whsec_'
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64
/** How far the sender's clock may be off, either way. */
export const TOLERANCE_SECONDS = 300

/** What is wrong with a secret's text, or undefined; never repeats it. */
export function checkWebhookSecret(secret: string): string | undefined {
  const base64 = secret.slice(SECRET_PREFIX.length)
  const sound = secret.startsWith(SECRET_PREFIX) && /^[A-Za-z0-9+/]+={0,2}$/.test(base64)
  const bytes = sound ? Buffer.from(base64, 'base64').length : 0
  if (bytes >= MIN_SECRET_BYTES && bytes <= MAX_SECRET_BYTES) return undefined
  return `must be ${SECRET_PREFIX} and the base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes`
}

export interface SignedParts {
  readonly id: string
  /** Seconds since the epoch, as text. */
  readonly timestamp: string
  readonly body: Uint8Array
}

/** The value of `webhook-signature`: one signature for each secret, so that secrets can be rotated. */
export function signWebhook(parts: SignedParts, secrets: readonly string[]): string {
  return secrets.map((secret) => `v1,${digest(parts, secret).toString('base64')}`).join(' ')
}

/** Why the signature is refused, or undefined. Constant time per signature; versions that are not known are skipped. */
export function refuseWebhook(
  parts: SignedParts,
  signatures: string,
  secrets: readonly string[],
  nowSeconds: number,
): string | undefined {
  if (!/^\d{1,12}$/.test(parts.timestamp)) return 'webhook-timestamp is not a number of seconds'
  if (Math.abs(nowSeconds - Number(parts.timestamp)) > TOLERANCE_SECONDS)
    return `webhook-timestamp is more than ${TOLERANCE_SECONDS} s off`
  const expected = secrets.map((secret) => digest(parts, secret))
  const given = signatures
    .split(' ')
    .flatMap((part) => (part.startsWith('v1,') ? [Buffer.from(part.slice(3), 'base64')] : []))
  const matches = given.some((signature) => expected.some((one) => equal(one, signature)))
  return matches ? undefined : 'no signature matches'
}

/** Compares without telling by time where the two differ. */
export function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function digest({ id, timestamp, body }: SignedParts, secret: string): Buffer {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
}
