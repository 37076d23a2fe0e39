import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '../avro/compatibility.ts'
import { DrawbridgeError, errorText } from '../core/errors.ts'
import { DIALECT } from './dialect.ts'
import { type LookOptions, REGISTRY_MODES, type RegistryMode } from './registry.ts'
import { parseReferences, type ReferringSchema } from './schema-references.ts'
import { isId } from './schema-statement.ts'

/** Passwords by user. */
export type Logins = ReadonlyMap<string, string>

const MAX_VERSION = 2 ** 31 - 1
/** A browser sends these across sites only after asking, which is never answered: no page can write through its visitor. */
const BODY_TYPE = /^application\/(?:vnd\.schemaregistry(?:\.v1)?\+json|json|octet-stream)\s*(?:;|$)/i

/** Lets nobody in who does not log in, where logins are given, and no body that is not said to be JSON. */
export function createGate(logins: Logins | undefined): RequestHandler {
  const accepted =
    logins === undefined ? undefined : [...logins].map(([user, password]) => digest(`${user}:${password}`))
  return (request, response, next) => {
    if (accepted !== undefined && !isAccepted(request.get('authorization'), accepted)) {
      response.set('www-authenticate', 'Basic realm="schemas"')
      return next(refused(401, 'log in with user and password (basic authentication)'))
    }
    const hasBody = request.get('transfer-encoding') !== undefined || Number(request.get('content-length') ?? 0) > 0
    if (hasBody && !BODY_TYPE.test(request.get('content-type') ?? ''))
      return next(refused(415, 'send the body as application/vnd.schemaregistry.v1+json or application/json'))
    next()
  }
}

function isAccepted(header: string | undefined, accepted: readonly Buffer[]): boolean {
  const encoded = /^basic ([a-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return false
  const given = digest(Buffer.from(encoded, 'base64').toString('utf8'))
  // All are looked at, so that the time tells nothing about which was near.
  return accepted.filter((each) => timingSafeEqual(each, given)).length > 0
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The JSON of a request. */
export function parseBody(request: Request): unknown {
  const body: unknown = request.body
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.isBuffer(body) ? body : Buffer.alloc(0)))
  } catch (error) {
    throw refused(400, `the body is not JSON in UTF-8: ${errorText(error)}`)
  }
}

/** What is to be registered or looked up. What would be lost here is refused, never dropped. */
export function parseSchemaBody(body: unknown): ReferringSchema {
  const { schema, schemaType, references, id, version, ...others } = objectOf(body)
  if (typeof schema !== 'string' || schema === '')
    throw refused(DIALECT.schemaInvalid, 'the body has to be { "schema": "…" } with the schema as text')
  if (isGiven(schemaType) && schemaType !== 'AVRO')
    throw refused(DIALECT.schemaInvalid, `only Avro schemas are kept here, not ${JSON.stringify(schemaType)}`)
  const list = parseReferences(references)
  if (list === null) throw refused(DIALECT.schemaInvalid, '"references" has to be a list of { name, subject, version }')
  if ((isGiven(id) && id !== -1) || (isGiven(version) && version !== -1 && version !== 0))
    throw refused(DIALECT.readOnly, 'ids and versions are given by this registry; leave "id" and "version" out')
  const kept = ['metadata', 'ruleSet', 'schemaTagsToAdd', 'schemaTagsToRemove'].find((name) => isGiven(others[name]))
  if (kept !== undefined) throw refused(DIALECT.schemaInvalid, `"${kept}" is not kept here; leave it out`)
  return { schema, references: list }
}

export function parseLevel(body: unknown): CompatibilityLevel {
  const { compatibility, ...others } = objectOf(body)
  const level = COMPATIBILITY_LEVELS.find((each) => each === String(compatibility).toUpperCase())
  if (level === undefined)
    throw refused(
      DIALECT.levelInvalid,
      `invalid compatibility level ${JSON.stringify(compatibility) ?? 'nothing'}; use one of ${COMPATIBILITY_LEVELS.join(', ')}`,
    )
  const other = Object.keys(others).find((name) => isGiven(others[name]))
  if (other !== undefined) throw refused(DIALECT.levelInvalid, `"${other}" is not kept here; leave it out`)
  return level
}

export function parseMode(body: unknown): RegistryMode {
  const { mode } = objectOf(body)
  const known = REGISTRY_MODES.find((each) => each === String(mode).toUpperCase())
  if (known !== undefined) return known
  throw refused(DIALECT.modeInvalid, `invalid mode ${JSON.stringify(mode) ?? 'nothing'}; use READWRITE or READONLY`)
}

/** `-1` is Confluent's other word for `latest`. */
export function parseVersion(text: string | undefined): number | 'latest' {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = Number(text)
  if (/^\d+$/.test(text ?? '') && version >= 1 && version <= MAX_VERSION) return version
  throw refused(
    DIALECT.versionInvalid,
    `the version ${JSON.stringify(text)} is none; use a number from 1 to ${MAX_VERSION}, or "latest"`,
  )
}

export function schemaIdOf(text: string | undefined): number {
  if (/^\d+$/.test(text ?? '') && isId(Number(text))) return Number(text)
  throw refused(DIALECT.schemaUnknown, `there is no schema ${JSON.stringify(text)}; ids are numbers from 1`)
}

export function lookOf(request: Request): LookOptions {
  return { deleted: isSet(request, 'deleted') }
}

export function isSet(request: Request, name: string): boolean {
  const value = request.query[name]
  return typeof value === 'string' && value.toLowerCase() === 'true'
}

/** An error of the request itself. */
export function refused(errorCode: number, message: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CONFIG', message, { details: { errorCode } })
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Readonly<Record<string, unknown>>
  throw refused(400, 'the body has to be a JSON object')
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
