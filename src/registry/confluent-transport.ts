import { Agent, request as send } from 'undici'
import type { Clock } from '../core/clock.ts'
import { DrawbridgeError } from '../core/errors.ts'
import { ENDLESS_RETRY, retryDelayMs } from '../core/retry.ts'
import { sleep } from '../core/wait.ts'
import { type Answer, type Failure, failureOf, judgeAnswer, unreachable } from './confluent-answer.ts'
import { MEDIA_TYPE } from './dialect.ts'
import type { RegistryHost, RegistryTarget } from './registry-options.ts'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base URL, with its query. */
  readonly path: string
  /** JSON. */
  readonly body?: string | undefined
  /** Where several nodes may know different things: whether to ask the next one, too. */
  readonly askOthers?: (answer: Answer) => boolean
}

export interface TransportLimits {
  /** For a call with all its attempts, milliseconds. */
  readonly totalMs: number
  /** For one attempt, from the connection to the last byte of the body. */
  readonly attemptMs: number
  readonly maxBodyBytes: number
  /** Attempts where a host failed; each of several hosts gets one at least. */
  readonly attempts: number
}

export const DEFAULT_LIMITS: TransportLimits = {
  totalMs: 15_000,
  attemptMs: 5_000,
  maxBodyBytes: 16 * 1_048_576,
  attempts: 3,
}

export interface Transport {
  /**
   * Resolves to what the registry said in the dialect, errors included. ERR_BROKER_UNREACHABLE when none of the hosts
   * said anything of the kind in time; `outcome` is unknown where something was to be changed. Calls are repeated unless they are a DELETE: all others change nothing, or the
   * same again.
   */
  call(call: Call): Promise<Answer>
  close(): Promise<void>
}

const BACKOFF = { minDelayMs: 100, maxDelayMs: 2_000 }

export function createTransport(
  { hosts, ca, secrets }: RegistryTarget,
  clock: Clock,
  limits: TransportLimits,
): Transport {
  const agent = new Agent({
    connect: { timeout: limits.attemptMs, ...(ca === undefined ? {} : { ca }) },
    maxResponseSize: limits.maxBodyBytes,
    // The signal below is the limit; undici's own begin anew with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const closing = new AbortController()
  /** The host that answered last. */
  let preferred = 0

  async function call(wanted: Call): Promise<Answer> {
    const until = clock.elapsed() + limits.totalMs
    const attempts = wanted.method === 'DELETE' ? 1 : Math.max(limits.attempts, hosts.length)
    let failure: Failure | undefined
    let doubtful: Answer | undefined
    for (let attempt = 0; attempt < attempts; attempt++) {
      // Every host once without waiting, then again with patience.
      if (attempt >= hosts.length && !(await pause(attempt - hosts.length + 1, until))) break
      const index = (preferred + attempt) % hosts.length
      const answer = await ask(hosts[index] as RegistryHost, wanted, until)
      if (!('reason' in answer)) {
        if (wanted.askOthers?.(answer) !== true) {
          preferred = index
          return answer
        }
        doubtful = answer
      } else {
        failure = answer
        if (!answer.again) break
      }
      if (doubtful !== undefined && attempt + 1 >= hosts.length) return doubtful
    }
    if (doubtful !== undefined) return doubtful
    if (closing.signal.aborted) throw new DrawbridgeError('ERR_CLOSED', 'the connection to the registry was closed')
    throw unreachable(failure, isChange(wanted) ? 'unknown' : 'not-written')
  }

  async function pause(attempt: number, until: number): Promise<boolean> {
    const delayMs = retryDelayMs({ ...ENDLESS_RETRY, ...BACKOFF }, attempt, undefined)
    return clock.elapsed() + delayMs < until && (await sleep(clock, delayMs, closing.signal))
  }

  async function ask(host: RegistryHost, { method, path, body }: Call, until: number): Promise<Answer | Failure> {
    // AbortSignal takes whole milliseconds only.
    const ms = Math.max(1, Math.ceil(Math.min(limits.attemptMs, until - clock.elapsed())))
    const late = AbortSignal.timeout(ms)
    try {
      const response = await send(`${host.base}${path}`, {
        method,
        dispatcher: agent,
        signal: AbortSignal.any([late, closing.signal]),
        headers: {
          accept: `${MEDIA_TYPE}, application/json`,
          'user-agent': 'drawbridge',
          ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }),
          ...(host.authorization === undefined ? {} : { authorization: host.authorization }),
        },
        body: body ?? null,
      })
      return judgeAnswer(host.base, response.statusCode, await response.body.text(), secrets)
    } catch (error) {
      return failureOf(host.base, error, late.aborted ? ms : null, limits.maxBodyBytes)
    }
  }

  return {
    call,
    async close() {
      closing.abort()
      await agent.destroy()
    },
  }
}

/** A schema sent to be looked up or checked changes nothing. */
function isChange({ method, path }: Call): boolean {
  return method === 'POST' ? /^\/subjects\/[^/]+\/versions$/.test(path) : method !== 'GET'
}
