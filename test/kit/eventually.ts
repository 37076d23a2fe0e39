import { errorText } from '../../src/core/errors.ts'

export interface EventuallyOptions {
  /** What is awaited, as the error will name it. */
  readonly what: string
  /** Default 30,000: a busy machine is slow, and a condition that never comes true is no quicker to tell. */
  readonly timeoutMs?: number
  /** Default 20. */
  readonly intervalMs?: number
}

type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

/**
 * Asks until the condition gives something truthy, and resolves to that. A condition that throws is not met yet. At the time
 * limit it rejects, naming what was awaited and what came last. A condition that hangs counts against the limit too.
 */
export async function eventually<T>(condition: () => T | Promise<T>, options: EventuallyOptions): Promise<Truthy<T>> {
  const { what, timeoutMs = 30_000, intervalMs = 20 } = options
  const until = performance.now() + timeoutMs
  let last = 'it was never answered'
  for (;;) {
    const left = until - performance.now()
    if (left <= 0) throw new Error(`waited ${timeoutMs} ms for ${what}; last: ${last}`)
    const answer = await within(left, condition)
    if (answer === 'late') continue
    if ('value' in answer && Boolean(answer.value)) return answer.value as Truthy<T>
    last = 'value' in answer ? shown(answer.value) : `threw ${errorText(answer.error)}`
    await pause(Math.min(intervalMs, Math.max(0, until - performance.now())))
  }
}

type Answer<T> = { readonly value: T } | { readonly error: unknown }

async function within<T>(ms: number, condition: () => T | Promise<T>): Promise<Answer<T> | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  try {
    return await Promise.race([ask(condition), late])
  } finally {
    clearTimeout(timer)
  }
}

async function ask<T>(condition: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await condition() }
  } catch (error) {
    return { error }
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
  return text === undefined ? 'undefined' : text.slice(0, 500)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
