/**
 * What a Retry-After header asks for, in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3), at most `maxMs`.
 * Undefined where there is none or it makes no sense.
 */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number, maxMs: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (text === undefined || text === '') return undefined
  const asked = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(asked, 0), maxMs)
}
