import { DrawbridgeError, hasCode } from '../core/errors.ts'
import type { Registry, RegistryPlace } from './registry.ts'
import type { SchemaLog } from './schema-log.ts'

/** A registry that a broker is used with, and the broker's note of which one that is. */
export interface BoundRegistry extends Registry {
  /** ERR_REGISTRY_DIFFERS where the broker notes another one. */
  confirm(): Promise<void>
  /** Notes this registry as the broker's, in place of another. Records written before may then decode wrongly, or not at all. */
  bind(): Promise<void>
}

const MAX_PROPOSALS = 50

/**
 * Schema ids mean nothing in another registry: a record would decode as something else. So the first that is written
 * notes in the broker which registry its ids are of, and whoever comes with another one is refused with
 * ERR_REGISTRY_DIFFERS before anything is read or written. One URL in common makes two the same.
 */
export function bindRegistry(registry: Registry, log: SchemaLog): BoundRegistry {
  const { place } = registry
  let agreed = false

  function noted(): RegistryPlace | null {
    const { registry: found } = log.table.bound()
    // A log from before these notes: what was registered in the topic belongs to it.
    return found ?? (log.table.subjects({ deleted: true }).length > 0 ? 'topic' : null)
  }

  async function confirm(): Promise<void> {
    if (agreed) return
    await log.catchUp()
    const found = noted()
    if (found === null) return
    if (!isSame(found, place)) throw differs(found, place)
    agreed = true
  }

  async function claim(): Promise<void> {
    await confirm()
    if (agreed && log.table.bound().registry !== null) return
    await write(confirm)
  }

  /** Whoever is first wins; the slower one reads whose it is. */
  async function write(afterwards: () => Promise<void>): Promise<void> {
    await log.state({ kind: 'registry', registry: place, number: log.table.bound().number + 1 })
    await afterwards()
  }

  /** Where a record waits for its schema, another registry is a reason to wait, never to set the record aside. */
  async function lookForRecord(): Promise<void> {
    try {
      await confirm()
    } catch (error) {
      if (!hasCode(error, 'ERR_REGISTRY_DIFFERS')) throw error
      throw new DrawbridgeError(error.code, error.message, { details: error.details, verdict: 'retry' })
    }
  }

  const after =
    <A extends readonly unknown[], R>(first: () => Promise<void>, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await first()
      return await call(...args)
    }

  return {
    place,
    confirm,
    register: after(claim, registry.register),
    deleteSubject: after(claim, registry.deleteSubject),
    deleteVersion: after(claim, registry.deleteVersion),
    setLevel: after(claim, registry.setLevel),
    setMode: after(claim, registry.setMode),
    schemaById: after(lookForRecord, registry.schemaById),
    find: after(confirm, registry.find),
    usesOf: after(confirm, registry.usesOf),
    latest: after(confirm, registry.latest),
    version: after(confirm, registry.version),
    versions: after(confirm, registry.versions),
    subjects: after(confirm, registry.subjects),
    check: after(confirm, registry.check),
    level: after(confirm, registry.level),
    mode: after(confirm, registry.mode),
    async bind() {
      await log.catchUp()
      for (let proposal = 0; proposal < MAX_PROPOSALS; proposal++) {
        const found = noted()
        if (found !== null && isEqual(found, place)) return
        await write(async () => undefined)
      }
      throw new DrawbridgeError(
        'ERR_APPEND_FAILED',
        'other processes note other registries at the same time; try again',
        {
          details: { outcome: 'unknown' },
        },
      )
    },
    close: registry.close,
  }
}

function isSame(a: RegistryPlace, b: RegistryPlace): boolean {
  if (a === 'topic' || b === 'topic') return a === b
  return a.some((url) => b.includes(url))
}

function isEqual(a: RegistryPlace, b: RegistryPlace): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function differs(noted: RegistryPlace, given: RegistryPlace): DrawbridgeError {
  const next = noted === 'topic' ? 'connect without a registry' : `connect with --registry ${noted.join(',')}`
  return new DrawbridgeError(
    'ERR_REGISTRY_DIFFERS',
    `the schema ids of this broker are of ${placeText(noted)}, not of ${placeText(given)}: ${next}, or, if that registry has moved here with its ids, note it with \`drawbridge schemas bind\``,
    { details: { noted, given } },
  )
}

export function placeText(place: RegistryPlace): string {
  return place === 'topic' ? 'the registry kept in the broker' : `the registry ${place.join(', ')}`
}
