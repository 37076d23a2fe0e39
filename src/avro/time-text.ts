import { refuse } from './refusal.ts'

/** ISO 8601 with date, time and zone; a time without a zone means another moment on every machine. */
const ISO = /^([+-]\d{6}|\d{4})-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.(\d{1,9}))?)?(?:Z|[+-]\d{2}:?\d{2})$/
const INTEGER = /^-?\d{1,19}$/
const MAX_DATE_MICROS = 8_640_000_000_000_000_000n
const EXPECTED = 'an ISO time with zone, such as 2026-11-01T00:00:00Z, or a whole number since the epoch'

function isoMillis(text: string): number {
  const ms = ISO.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  return Number.isNaN(ms) ? refuse(EXPECTED, text) : ms
}

/** ISO text, or milliseconds since the epoch. Digits beyond the millisecond are refused, not cut. */
export function parseMillis(given: unknown): Date {
  if (typeof given === 'number')
    return given === Math.trunc(given) && Math.abs(given) <= 8.64e15 ? new Date(given) : refuse(EXPECTED, given)
  if (typeof given !== 'string') return refuse(EXPECTED, given)
  if (INTEGER.test(given)) return parseMillis(Number(given))
  if (/[1-9]/.test((ISO.exec(given)?.[2] ?? '').slice(3))) return refuse('a time in whole milliseconds', given)
  return new Date(isoMillis(given))
}

/** Microseconds since the epoch as ISO text with six fraction digits; as a number's text beyond the years of Date. */
export function microsText(micros: bigint): string {
  if (micros > MAX_DATE_MICROS || micros < -MAX_DATE_MICROS) return micros.toString()
  const rest = ((micros % 1000n) + 1000n) % 1000n
  const ms = Number((micros - rest) / 1000n)
  if (ms < -8.64e15) return micros.toString()
  return `${new Date(ms).toISOString().slice(0, -1)}${rest.toString().padStart(3, '0')}Z`
}

/** ISO text with up to six fraction digits, or microseconds since the epoch as a number or its text. */
export function parseMicros(given: unknown): bigint {
  if (typeof given === 'bigint') return given
  if (typeof given === 'number') return Number.isSafeInteger(given) ? BigInt(given) : refuse(EXPECTED, given)
  if (typeof given !== 'string') return refuse(EXPECTED, given)
  if (INTEGER.test(given)) return BigInt(given)
  const fraction = (ISO.exec(given)?.[2] ?? '').padEnd(6, '0')
  if (/[1-9]/.test(fraction.slice(6))) return refuse('a time in whole microseconds', given)
  const seconds = isoMillis(given.replace(/\.\d+/, ''))
  return BigInt(seconds) * 1000n + BigInt(fraction.slice(0, 6))
}
