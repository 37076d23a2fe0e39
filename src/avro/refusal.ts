import { types } from 'node:util'

/**
 * Why a value or bytes were refused, on its way up to the codec, which makes a DrawbridgeError of it. Readers and
 * writers add the steps of the path while it passes, innermost first, so that the good case pays nothing for paths.
 */
export interface Refusal extends Error {
  readonly isRefusal: true
  readonly steps: (string | number)[]
}

/** Throws a refusal: expected this, found that. */
export function refuse(expected: string, found: unknown): never {
  return refuseText(`expected ${expected}, found ${foundText(found)}`)
}

export function refuseText(text: string): never {
  throw Object.assign(new Error(text), { isRefusal: true, steps: [] } satisfies Omit<Refusal, keyof Error>)
}

export function isRefusal(error: unknown): error is Refusal {
  return typeof error === 'object' && error !== null && (error as { isRefusal?: unknown }).isRefusal === true
}

/** Notes where a refusal passed; anything else thrown passes unchanged. */
export function addStep(error: unknown, step: string | number): unknown {
  if (isRefusal(error)) error.steps.push(step)
  return error
}

/** Runs a step of a path, which a refusal out of it then names. */
export function at<V>(step: string | number, run: () => V): V {
  try {
    return run()
  } catch (error) {
    throw addStep(error, step)
  }
}

/** Such as `lines[3].sku`; empty at the root. Long paths (deep recursion) keep both ends. */
export function refusalPath(refusal: Refusal): string {
  const path = refusal.steps.toReversed().reduce<string>(joinPath, '')
  return path.length > 400 ? `${path.slice(0, 200)} … ${path.slice(-200)}` : path
}

/** What was found, short enough for a message. */
export function foundText(value: unknown): string {
  if (value === undefined) return 'nothing (undefined)'
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return value.length > 60
        ? `string ${JSON.stringify(value.slice(0, 60))}… of ${value.length} characters`
        : `string ${JSON.stringify(value)}`
    case 'number':
    case 'boolean':
    case 'bigint':
      return `${typeof value} ${String(value).slice(0, 60)}`
    case 'object':
      if (Array.isArray(value)) return `array of ${value.length}`
      if (types.isUint8Array(value)) return `${value.length} bytes`
      if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : `Date ${value.toISOString()}`
      return types.isMap(value) ? 'a Map' : types.isSet(value) ? 'a Set' : 'an object'
    default:
      return `a ${typeof value}`
  }
}

/** `path.field`, or `field` at the root. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return path === '' ? step : `${path}.${step}`
}
