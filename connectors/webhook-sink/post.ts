import { Agent, type Dispatcher } from 'undici'
import { DrawbridgeError, errorText, hasCode } from '../../src/core/errors.ts'
import { createGuardedConnector } from './address-guard.ts'
import type { WebhookSinkConfig } from './config.ts'
import type { Answer } from './verdict.ts'

/** An answer's body is read this far, so that the connection can be used again; a longer one costs its connection. */
const MAX_ANSWER_BYTES = 65_536

export interface Poster {
  /**
   * One attempt. Resolves with the answer; what its body says, or whether it ever ends, does not matter any more.
   * ERR_ENDPOINT when no answer came within the time, or none at all; ERR_ENDPOINT_GONE when the address is refused.
   */
  post(headers: Readonly<Record<string, string>>, body: Buffer, signal: AbortSignal): Promise<Answer>
  close(): Promise<void>
}

export function createPoster(config: WebhookSinkConfig): Poster {
  const { timeoutMs, concurrency, allowPrivate } = config
  const endpoint = new URL(config.url)
  const agent = new Agent({
    connections: concurrency,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: allowPrivate ? { timeout: timeoutMs } : createGuardedConnector({ timeoutMs }),
  })
  const path = endpoint.pathname + endpoint.search
  return {
    async post(headers, body, signal) {
      // One deadline for everything: the library's own time-outs begin anew with every byte.
      const deadline = AbortSignal.timeout(timeoutMs)
      let response: Dispatcher.ResponseData
      try {
        response = await agent.request({
          origin: endpoint.origin,
          path,
          method: 'POST',
          headers,
          body,
          signal: AbortSignal.any([signal, deadline]),
        })
      } catch (error) {
        if (signal.aborted || hasCode(error, 'ERR_ENDPOINT_GONE')) throw error
        const what = deadline.aborted
          ? `did not answer within ${timeoutMs} ms`
          : `could not be reached: ${reasonOf(error)}`
        throw new DrawbridgeError('ERR_ENDPOINT', `the endpoint ${endpoint.host} ${what}`, { cause: error })
      }
      // The status has decided; whatever goes wrong with the body now would only repeat an accepted delivery.
      await response.body
        .dump({ limit: MAX_ANSWER_BYTES, signal: AbortSignal.any([signal, deadline]) })
        .catch(() => response.body.destroy())
      return { status: response.statusCode, retryAfter: response.headers['retry-after'] }
    },
    close: () => agent.destroy(),
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && !code.startsWith('ERR_') ? `${code} ${errorText(error)}` : errorText(error)
}
