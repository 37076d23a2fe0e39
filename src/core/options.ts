import { DrawbridgeError } from './errors.ts'

/** A whole number option within its bounds, or its default. ERR_CONFIG names it. */
export function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback
  if (value === Number.POSITIVE_INFINITY && max === Number.POSITIVE_INFINITY) return value
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `option ${name}: ${String(value)} is not a whole number from ${min} to ${max}`,
    )
  }
  return value
}

/** One of the words an option takes, or its default. ERR_CONFIG names them. */
export function oneOf<W extends string>(name: string, value: W | undefined, words: readonly [W, ...W[]]): W {
  if (value === undefined) return words[0]
  if (!words.includes(value)) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `option ${name}: ${JSON.stringify(value)} is not one of ${words.join(', ')}`,
    )
  }
  return value
}
