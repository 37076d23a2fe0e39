import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import type { Count } from '../../src/connect/connector.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { WebhookSourceConfig } from './config.ts'
import { createOnce } from './once.ts'
import { type Delivery, SCHEMES } from './verify.ts'

/** What a sender is told to wait when the broker, not its delivery, is at fault. */
const RETRY_AFTER_SECONDS = '5'

export interface AppOptions {
  readonly config: WebhookSourceConfig
  readonly log: Log
  readonly count: Count
  /** Resolves when the topic has accepted. ERR_VALUE_INVALID when the body is no value of it. */
  accept(delivery: Delivery, body: Buffer, contentType: string): Promise<void>
}

/**
 * The HTTP side: 202 after the topic accepted (or had accepted the same delivery before), 401 for a wrong signature, 413
 * too large, 400 no JSON, 422 no value of the schema, 503 with Retry-After when the broker is at fault.
 */
export function createApp({ config, log, count, accept }: AppOptions): Express {
  const verify = SCHEMES[config.verify.scheme](config.verify.secrets, () => Math.floor(Date.now() / 1_000))
  const once = createOnce(config.rememberIds)
  let inFlight = 0

  function answer(response: Response, status: number, error?: string): void {
    count(`answers_${status}_total`)
    if (status === 503) response.set('retry-after', RETRY_AFTER_SECONDS)
    response.status(status).json(error === undefined ? { accepted: true } : { error })
  }

  async function take(request: Request<object, object, unknown>, response: Response): Promise<void> {
    // Without a body the parser leaves none.
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const verified = verify(request.headers, body)
    if ('refusal' in verified) {
      log.warn({ status: verified.status, from: request.socket.remoteAddress }, `delivery refused: ${verified.refusal}`)
      return answer(response, verified.status, verified.refusal)
    }
    const { repeat, done } = once(verified.id, () =>
      accept(verified, body, request.headers['content-type'] ?? 'application/octet-stream'),
    )
    try {
      await done
    } catch (error) {
      const { status, text } = statusOf(error)
      log.warn({ status, id: verified.id, error: errorText(error) }, 'delivery not accepted')
      return answer(response, status, text)
    }
    count(repeat ? 'repeated_deliveries_total' : 'records_total')
    answer(response, 202)
  }

  const onError: ErrorRequestHandler = (error: { status?: number }, _request, response, next) => {
    if (response.headersSent) return next(error)
    const status = typeof error.status === 'number' && error.status >= 400 && error.status < 500 ? error.status : 500
    if (status === 500) log.error({ error: errorText(error) }, 'a request failed')
    answer(
      response,
      status,
      status === 413 ? `the body has more than ${config.maxBodyBytes} bytes` : 'the request cannot be read',
    )
  }

  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.post(
    config.path,
    (_request, response, next) => {
      if (inFlight >= config.maxInFlight) return answer(response, 503, 'too many deliveries at once')
      inFlight++
      response.once('close', () => {
        inFlight--
      })
      next()
    },
    // The signature is over the bytes sent, so nothing is inflated or parsed here.
    express.raw({ type: () => true, limit: config.maxBodyBytes, inflate: false }),
    (request, response, next) => {
      take(request, response).then(undefined, next)
    },
  )
  app.use((_request, response) => answer(response, 404, 'nothing here'))
  app.use(onError)
  return app
}

function statusOf(error: unknown): { readonly status: number; readonly text: string } {
  if (!isDrawbridgeError(error)) return { status: 503, text: 'not accepted now; send it again' }
  if (error.code === 'ERR_SOURCE_INPUT') return { status: 400, text: error.message }
  if (error.code === 'ERR_VALUE_INVALID') return { status: 422, text: error.message }
  if (error.code === 'ERR_RECORD_TOO_LARGE')
    return { status: 413, text: 'the record would be larger than the broker takes' }
  return { status: 503, text: 'not accepted now; send it again' }
}

/** The body as JSON. ERR_SOURCE_INPUT. */
export function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw new DrawbridgeError('ERR_SOURCE_INPUT', `the body is not JSON in UTF-8: ${errorText(error)}`, {
      cause: error,
    })
  }
}
