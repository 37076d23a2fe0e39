import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { equal, refuseWebhook } from '../../src/connect/standard-webhooks.ts'

export interface Delivery {
  /** The sender's id, the same when it sends again. */
  readonly id: string
  /** What happened, where a header says so. */
  readonly event: string | null
}

export type Verified = Delivery | { readonly status: 400 | 401; readonly refusal: string }

export type Verify = (headers: IncomingHttpHeaders, body: Buffer) => Verified

type SchemeOf = (secrets: readonly string[], nowSeconds: () => number) => Verify

/** How a scheme checks the raw body's signature. `nowSeconds` is the clock. */
export const SCHEMES: Readonly<Record<'standard-webhooks' | 'github', SchemeOf>> = {
  /** Standard Webhooks 1.0. */
  'standard-webhooks': (secrets, nowSeconds) => (headers, body) => {
    const [id, timestamp, signatures] = [
      one(headers['webhook-id']),
      one(headers['webhook-timestamp']),
      one(headers['webhook-signature']),
    ]
    if (id === undefined || timestamp === undefined || signatures === undefined)
      return { status: 401, refusal: 'webhook-id, webhook-timestamp or webhook-signature is missing' }
    const refusal = refuseWebhook({ id, timestamp, body }, signatures, secrets, nowSeconds())
    return refusal === undefined ? { id, event: null } : { status: 401, refusal }
  },
  /** docs.github.com, "Validating webhook deliveries": HMAC-SHA256 of the body, in hex. It has no time, and does not cover the id. */
  github: (secrets) => (headers, body) => {
    const given = /^sha256=([0-9a-fA-F]{64})$/.exec(one(headers['x-hub-signature-256']) ?? '')?.[1]
    if (given === undefined) return { status: 401, refusal: 'x-hub-signature-256 is missing or no SHA-256' }
    const signature = Buffer.from(given, 'hex')
    const matches = secrets
      .map((secret) => equal(createHmac('sha256', secret).update(body).digest(), signature))
      .includes(true)
    if (!matches) return { status: 401, refusal: 'the signature does not match' }
    const id = one(headers['x-github-delivery'])
    return id === undefined
      ? { status: 400, refusal: 'x-github-delivery is missing' }
      : { id, event: one(headers['x-github-event']) ?? null }
  },
}

function one(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header
  return value === '' ? undefined : value
}
