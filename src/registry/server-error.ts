import type { Response } from 'express'
import { isDrawbridgeError } from '../core/errors.ts'
import { DIALECT, MEDIA_TYPE } from './dialect.ts'

export interface ErrorAnswer {
  readonly status: number
  /** The dialect's code, else the status. */
  readonly code: number
  readonly message: string
}

/** How an error is told to a client: those of the request and of schemas as they are, our own faults without details. */
export function answerTo(error: unknown): ErrorAnswer {
  if (isDrawbridgeError(error)) {
    const code = error.details['errorCode']
    if (typeof code === 'number') return { status: statusOf(code), code, message: error.message }
    if (error.code === 'ERR_RECORD_TOO_LARGE')
      return { status: 422, code: DIALECT.schemaInvalid, message: 'the schema is larger than a record can be' }
    return { status: 500, code: DIALECT.store, message: `the schemas cannot be read or kept now (${error.code})` }
  }
  // What express found wrong with the request, such as a body too large or a subject that is no percent-encoding.
  const { status } = error as { readonly status?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, code: status, message: status === 413 ? 'the body is too large' : 'the request cannot be read' }
  return { status: 500, code: DIALECT.store, message: 'the request failed; the server log says why' }
}

/** Codes of five digits begin with their status. */
function statusOf(code: number): number {
  return code > 999 ? Math.floor(code / 100) : code
}

export function sendError(response: Response, { status, code, message }: ErrorAnswer): void {
  send(response, status, JSON.stringify({ error_code: code, message }))
}

export function send(response: Response, status: number, text: string): void {
  response.status(status).set('content-type', MEDIA_TYPE).set('cache-control', 'no-store').end(text)
}
