import type { Clock } from '../core/clock.ts'
import { hasCode } from '../core/errors.ts'

export interface IdCache {
  /** One request however many ask at once. ERR_SCHEMA_UNKNOWN is remembered for a time, any other error is not. */
  get(id: number): Promise<string>
  put(id: number, schema: string): void
}

export interface IdCacheOptions {
  readonly clock: Clock
  /** How long an unknown id is not asked for again, milliseconds. */
  readonly unknownMs: number
  /** Most ids remembered, and most unknown ones; the one met first is forgotten first. */
  readonly maxIds: number
  fetch(id: number): Promise<string>
}

/** What an id stands for never changes, so a schema is kept for as long as there is room. */
export function createIdCache({ clock, unknownMs, maxIds, fetch }: IdCacheOptions): IdCache {
  const known = new Map<number, string>()
  const unknown = new Map<number, { readonly error: Error; readonly until: number }>()
  const underWay = new Map<number, Promise<string>>()

  async function ask(id: number): Promise<string> {
    try {
      const schema = await fetch(id)
      put(id, schema)
      return schema
    } catch (error) {
      if (hasCode(error, 'ERR_SCHEMA_UNKNOWN')) keep(unknown, id, { error, until: clock.elapsed() + unknownMs }, maxIds)
      throw error
    } finally {
      underWay.delete(id)
    }
  }

  function put(id: number, schema: string): void {
    unknown.delete(id)
    keep(known, id, schema, maxIds)
  }

  return {
    put,
    get(id) {
      const schema = known.get(id)
      if (schema !== undefined) return Promise.resolve(schema)
      const refusal = unknown.get(id)
      if (refusal !== undefined && clock.elapsed() < refusal.until) return Promise.reject(refusal.error)
      const asked = underWay.get(id) ?? ask(id)
      underWay.set(id, asked)
      return asked
    },
  }
}

function keep<T>(map: Map<number, T>, id: number, value: T, most: number): void {
  map.delete(id)
  map.set(id, value)
  const oldest = map.size > most ? map.keys().next().value : undefined
  if (oldest !== undefined) map.delete(oldest)
}
