import type { ConfigOf } from '../../src/connect/config.ts'
import type { KeyProblem } from '../../src/connect/connector.ts'
import { boolean, durationMs, group, integer, list, map, secret, url } from '../../src/connect/fields.ts'
import { checkWebhookSecret } from '../../src/connect/standard-webhooks.ts'
import { isPrivateLiteral } from './address-guard.ts'

/** Set by us, or by HTTP itself. */
const RESERVED = /^(webhook-.*|content-.*|host|connection|transfer-encoding|expect|te|trailer|upgrade|keep-alive)$/i

const checkHeaderName = (name: string): string | undefined => {
  if (RESERVED.test(name)) return 'this header is set by the connector; choose another'
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? undefined : 'not a name of an HTTP header'
}

const checkHeaderValue = (value: string): string | undefined =>
  /^[\t\x20-\x7e]*$/.test(value) ? undefined : 'must be printable ASCII'

const checkEndpoint = (value: string): string | undefined => {
  const { username, password } = new URL(value)
  return username === '' && password === '' ? undefined : 'must hold no user or password; put credentials into headers'
}

export const webhookSinkConfig = {
  url: url({ doc: 'the endpoint; each record is one POST', required: true, check: checkEndpoint }),
  secrets: list(secret({ doc: 'secret', required: true, check: checkWebhookSecret }), {
    doc: 'secrets of Standard Webhooks (whsec_…); each signs, so that they can be rotated',
    required: true,
    atLeast: 1,
  }),
  headers: map(secret({ doc: 'value', required: true, check: checkHeaderValue }), {
    doc: 'further headers; their values are treated as secrets',
    default: {},
    checkName: checkHeaderName,
  }),
  timeoutMs: durationMs({
    doc: 'one attempt in all: connection, answer and its body',
    default: 15_000,
    min: 10,
    max: 120_000,
  }),
  concurrency: integer({ doc: 'posts under way at once, each for another key', default: 8, min: 1, max: 1_000 }),
  allowPrivate: boolean({ doc: 'also loopback, private and link-local addresses', default: false }),
  retry: group(
    {
      attempts: integer({ doc: 'attempts in all, then a letter', default: 12, min: 1 }),
      minDelayMs: durationMs({ doc: 'delay before the second attempt; doubles, with jitter', default: 500 }),
      maxDelayMs: durationMs({ doc: 'longest delay', default: 60_000 }),
      maxRetryMs: durationMs({ doc: 'no further attempt after this long since the first', default: 300_000 }),
      maxRetryAfterMs: durationMs({ doc: 'most that a Retry-After is obeyed', default: 120_000 }),
    },
    { doc: 'after 429, 5xx, 3xx, a time-out or no answer' },
  ),
}

export type WebhookSinkConfig = ConfigOf<typeof webhookSinkConfig>

/** Names are judged when they are resolved (address-guard.ts). */
export function checkWebhookSinkConfig({ url, allowPrivate }: WebhookSinkConfig): readonly KeyProblem[] {
  if (allowPrivate || !isPrivateLiteral(url)) return []
  const message = 'its host is not an address of the public internet; if it is meant, set allowPrivate: true'
  return [{ key: 'url', message }]
}
