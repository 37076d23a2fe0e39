import { COMPATIBILITY_LEVELS } from '../avro/compatibility.ts'
import type { Clock } from '../core/clock.ts'
import { DrawbridgeError, readProperty } from '../core/errors.ts'
import type { Answer } from './confluent-answer.ts'
import { createLibraryCalls } from './confluent-library.ts'
import { avroOf, hasNone, isAbsent, listOf, refusal, unexpected } from './confluent-refusal.ts'
import { createTransport, DEFAULT_LIMITS, type TransportLimits } from './confluent-transport.ts'
import { DIALECT, idUnknown } from './dialect.ts'
import { createIdCache } from './id-cache.ts'
import {
  type DeleteOptions,
  type LookOptions,
  REGISTRY_MODES,
  type RegisteredSchema,
  type Registry,
  type SubjectVersion,
} from './registry.ts'
import type { RegistryTarget } from './registry-options.ts'
import { writeOut } from './schema-references.ts'
import { isId } from './schema-statement.ts'

export interface ConfluentRegistryOptions {
  readonly target: RegistryTarget
  readonly clock: Clock
  readonly limits?: Partial<TransportLimits>
  /** How long an unknown id is not asked for again, milliseconds. */
  readonly unknownMs?: number
}

/** Short, because an id that some record carries by mistake may be given to a schema later. */
const UNKNOWN_MS = 5_000
const MAX_IDS = 5_000

interface Asked {
  readonly subject: string
  readonly schema?: string
}

/**
 * A registry that some server keeps and serves in Confluent's REST dialect. Nothing is asked before it is needed. Ids are
 * kept for ever, unknown ones are asked for again after a time; an id counts as unknown when no host knows it.
 */
export function createConfluentRegistry(options: ConfluentRegistryOptions): Registry {
  const { target, clock, unknownMs = UNKNOWN_MS } = options
  const transport = createTransport(target, clock, { ...DEFAULT_LIMITS, ...options.limits })
  const place = target.hosts.map(({ base }) => base)
  const library = createLibraryCalls(transport)
  const askingAll = createLibraryCalls(transport, { askOthers: ({ errorCode }) => errorCode === DIALECT.schemaUnknown })
  const ids = createIdCache({ clock, unknownMs, maxIds: MAX_IDS, fetch: fetchSchema })

  async function fetchSchema(id: number): Promise<string> {
    const answer = await askingAll.Schema.find({ id })
    if (answer.errorCode === null) return await wholeText(`schema id ${id}`, answer)
    if (answer.errorCode === DIALECT.schemaUnknown) throw unknownId(id)
    throw unexpected(answer)
  }

  const unknownId = (id: number) => idUnknown(id, `the registry ${place.join(', ')}`)

  /** The registration of an answer, or null where the registry says that there is none. */
  async function registeredOf(answer: Answer, asked: Asked): Promise<RegisteredSchema | null> {
    const { errorCode, json } = answer
    if (errorCode !== null) {
      if (isAbsent(answer)) return null
      throw refusal(answer, asked.subject)
    }
    const [id, version] = [readProperty(json, 'id'), readProperty(json, 'version')]
    if (!isId(id) || !isId(version)) throw unexpected(answer)
    const what = `subject ${asked.subject} version ${Number(version)}`
    const told = typeof readProperty(json, 'schema') === 'string'
    const schema = told ? await wholeText(what, answer) : asked.schema
    if (schema === undefined) throw unexpected(answer)
    return { subject: asked.subject, id: Number(id), version: Number(version), schema }
  }

  function wholeText(what: string, answer: Answer): Promise<string> {
    return writeOut(avroOf(what, answer), async ({ subject, version }) => {
      const found = await library.Subject.version({ subject, version, deleted: true })
      if (found.errorCode === null) return avroOf(`subject ${subject} version ${version}`, found)
      if (isAbsent(found)) return null
      // Whatever it is, the record waits.
      throw unexpected(found)
    })
  }

  async function find(subject: string, schema: string, look?: LookOptions): Promise<RegisteredSchema | null> {
    const answer = await library.Subject.registered({ subject, ...queryOf(look), body: { schema } })
    return await registeredOf(answer, { subject, schema })
  }

  async function register(subject: string, schema: string): Promise<RegisteredSchema> {
    const known = await find(subject, schema)
    if (known !== null) return known
    const answer = await library.Subject.register({ subject, body: { schema } })
    if (answer.errorCode !== null) throw refusal(answer, subject)
    const registered = await find(subject, schema)
    if (registered === null)
      throw new DrawbridgeError(
        'ERR_APPEND_FAILED',
        `subject ${subject}: the registry took the schema and does not show it; try again`,
        { details: { subject, outcome: 'unknown' } },
      )
    ids.put(registered.id, registered.schema)
    return registered
  }

  async function check(subject: string, schema: string, version?: number | 'latest'): Promise<readonly string[]> {
    const body = { schema }
    const answer =
      version === undefined
        ? await transport.call({
            method: 'POST',
            path: `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`,
            body: JSON.stringify(body),
          })
        : await library.Subject.compatible({ subject, version, verbose: true, body })
    const isNew = answer.errorCode === DIALECT.subjectUnknown || answer.errorCode === DIALECT.versionUnknown
    if (isNew && typeof version !== 'number') return []
    if (answer.errorCode !== null) throw refusal(answer, subject, version)
    if (readProperty(answer.json, 'is_compatible') === true) return []
    const messages = readProperty(answer.json, 'messages')
    return Array.isArray(messages) && messages.length > 0
      ? messages.map(String)
      : ['the registry says that it is not compatible, and not why']
  }

  /** One of the things that a subject, or the whole registry, may have of its own. */
  async function setting(path: 'config' | 'mode', subject: string | null, name: string): Promise<string | null> {
    const answer =
      path === 'config' && subject !== null
        ? await library.Subject.config({ subject })
        : await transport.call({ method: 'GET', path: settingPath(path, subject) })
    if (answer.errorCode !== null) {
      if (subject !== null && hasNone(answer)) return null
      throw refusal(answer, subject)
    }
    const value = readProperty(answer.json, name)
    if (typeof value === 'string') return value.toUpperCase()
    throw unexpected(answer)
  }

  async function set(path: 'config' | 'mode', subject: string | null, body: object | null): Promise<void> {
    const answer = await transport.call({
      method: body === null ? 'DELETE' : 'PUT',
      path: settingPath(path, subject),
      body: body === null ? undefined : JSON.stringify(body),
    })
    if (answer.errorCode !== null && !(body === null && hasNone(answer))) throw refusal(answer, subject)
  }

  async function remove(path: string, subject: string, version?: number, permanent = false): Promise<unknown> {
    const answer = await transport.call({ method: 'DELETE', path: `${path}${permanent ? '?permanent=true' : ''}` })
    if (answer.errorCode !== null) throw refusal(answer, subject, version)
    return answer.json
  }

  return {
    place,
    register,
    find,
    check,
    schemaById: (id) => (isId(id) ? ids.get(id) : Promise.reject(unknownId(id))),
    async usesOf(id, look) {
      const answer = await transport.call({ method: 'GET', path: `/schemas/ids/${id}/versions${deletedQuery(look)}` })
      if (answer.errorCode === DIALECT.schemaUnknown) throw unknownId(id)
      const uses = listOf(answer) as readonly SubjectVersion[]
      return uses
        .map(({ subject, version }) => ({ subject, version }))
        .sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version))
    },
    async latest(subject, look) {
      return await registeredOf(await library.Subject.latestVersion({ subject, ...queryOf(look) }), { subject })
    },
    async version(subject, version, look) {
      return await registeredOf(await library.Subject.version({ subject, version, ...queryOf(look) }), { subject })
    },
    async versions(subject, look) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions${deletedQuery(look)}`
      const answer = await transport.call({ method: 'GET', path })
      if (answer.errorCode === DIALECT.subjectUnknown) return []
      return (listOf(answer) as readonly number[]).toSorted((a, b) => a - b)
    },
    async subjects(look) {
      return (listOf(await library.Subject.all(queryOf(look))) as readonly string[]).toSorted()
    },
    async deleteSubject(subject, { permanent }: DeleteOptions = {}) {
      const path = `/subjects/${encodeURIComponent(subject)}`
      return (await remove(path, subject, undefined, permanent)) as readonly number[]
    },
    async deleteVersion(subject, version, { permanent }: DeleteOptions = {}) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
      return (await remove(path, subject, version, permanent)) as number
    },
    async level(subject) {
      const level = await setting('config', subject, 'compatibilityLevel')
      return COMPATIBILITY_LEVELS.find((each) => each === level) ?? null
    },
    async setLevel(subject, level) {
      if (subject === null || level === null) return await set('config', subject, level && { compatibility: level })
      const answer = await library.Subject.updateConfig({ subject, body: { compatibility: level } })
      if (answer.errorCode !== null) throw refusal(answer, subject)
    },
    async mode(subject) {
      const mode = await setting('mode', subject, 'mode')
      return REGISTRY_MODES.find((each) => each === mode) ?? null
    },
    setMode: (subject, mode) => set('mode', subject, mode && { mode }),
    close: () => transport.close(),
  }
}

function settingPath(path: 'config' | 'mode', subject: string | null): string {
  return subject === null ? `/${path}` : `/${path}/${encodeURIComponent(subject)}`
}

function queryOf(look: LookOptions | undefined): { readonly deleted?: true } {
  return look?.deleted === true ? { deleted: true } : {}
}

function deletedQuery(look: LookOptions | undefined): string {
  return look?.deleted === true ? '?deleted=true' : ''
}
