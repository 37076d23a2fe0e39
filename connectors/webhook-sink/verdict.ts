import { DrawbridgeError } from '../../src/core/errors.ts'
import { retryAfterMs } from './retry-after.ts'

export interface Answer {
  readonly status: number
  readonly retryAfter: string | string[] | undefined
}

/**
 * What an answer means (Standard Webhooks, "Webhook delivery"): 2xx is accepted; 410 ends the connector; 429 and 5xx are
 * tried again, no earlier than Retry-After says; a redirect is a failure and never followed; any other 4xx is a letter.
 */
export function errorOfAnswer(
  answer: Answer,
  place: Readonly<Record<string, unknown>>,
  maxRetryAfterMs: number,
  nowMs = Date.now(),
): DrawbridgeError | undefined {
  const { status } = answer
  if (status >= 200 && status < 300) return undefined
  const details: Record<string, unknown> = { ...place, status }
  if (status === 410)
    return new DrawbridgeError(
      'ERR_ENDPOINT_GONE',
      'the endpoint answered 410 Gone and wants no more deliveries; correct the URL or remove the connector, then start it again',
      { details },
    )
  if (status >= 300 && status < 400)
    return new DrawbridgeError(
      'ERR_ENDPOINT',
      `the endpoint answered ${status}, a redirect, which is never followed; set its target as url`,
      { details },
    )
  if (status === 429 || status === 503) {
    const asked = retryAfterMs(answer.retryAfter, nowMs, maxRetryAfterMs)
    if (asked !== undefined) details.retryAfterMs = asked
  }
  if (status === 429 || status >= 500)
    return new DrawbridgeError('ERR_ENDPOINT', `the endpoint answered ${status}`, { details })
  return new DrawbridgeError(
    'ERR_REJECTED',
    `the endpoint refused the record with ${status}; see what it logged, then redrive the letter`,
    { details },
  )
}
