import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express'
import { errorText, hasCode } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { DIALECT, noneOfItsOwn, schemaUnknownUnder, subjectUnknown, versionUnknown } from './dialect.ts'
import type { RegisteredSchema, Registry } from './registry.ts'
import { writeOut } from './schema-references.ts'
import { answerTo, send, sendError } from './server-error.ts'
import {
  createGate,
  isSet,
  type Logins,
  lookOf,
  parseBody,
  parseLevel,
  parseMode,
  parseSchemaBody,
  parseVersion,
  refused,
  schemaIdOf,
} from './server-request.ts'

/** Schemas larger than a record can be are refused before they are read. */
const MAX_BODY_BYTES = 1_048_576

export interface ServerAppOptions {
  readonly registry: Registry
  readonly log: Log
  /** Who may use it, by basic authentication; absent: everybody who can connect. */
  readonly logins?: Logins | undefined
}

type Params = Readonly<Record<string, string>>
/** What a route answers with 200: JSON, or a text that is JSON already. */
type Answer = { readonly json: unknown } | { readonly text: string }

/**
 * A registry in Confluent's REST dialect, for clients of other languages. Several of these over one broker agree, as all
 * they know is in the log. Source: Confluent, "Schema Registry API Reference"; Avro only.
 */
export function createServerApp({ registry, log, logins }: ServerAppOptions): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.use(createGate(logins))
  app.use(express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false }))

  const answering =
    (answer: (params: Params, request: Request) => Promise<Answer>): RequestHandler =>
    (request, response, next) => {
      answer(request.params as Params, request).then((found) => {
        const text = 'text' in found ? found.text : JSON.stringify(found.json)
        send(response, 200, text)
      }, next)
    }

  async function versionOf(params: Params, request: Request): Promise<RegisteredSchema> {
    const [subject, wanted, look] = [params['subject'] ?? '', parseVersion(params['version']), lookOf(request)]
    const found =
      wanted === 'latest' ? await registry.latest(subject, look) : await registry.version(subject, wanted, look)
    if (found !== null) return found
    throw (await registry.versions(subject, look)).length === 0
      ? subjectUnknown(subject)
      : versionUnknown(subject, wanted)
  }

  /** The schema of a request. Types of other subjects that it refers to are kept written out. */
  async function schemaOf(request: Request): Promise<string> {
    const body = parseSchemaBody(parseBody(request))
    try {
      return await writeOut(body, async ({ subject, version }) => {
        const found = await registry.version(subject, version, { deleted: true })
        return found === null ? null : { schema: found.schema, references: [] }
      })
    } catch (error) {
      throw hasCode(error, 'ERR_SCHEMA_UNKNOWN') ? refused(DIALECT.schemaInvalid, error.message) : error
    }
  }

  const schemaText = async ({ id }: Params) => await registry.schemaById(schemaIdOf(id))
  const uses = async ({ id }: Params, request: Request) => await registry.usesOf(schemaIdOf(id), lookOf(request))

  app.get(
    '/',
    answering(async () => ({ json: {} })),
  )
  app.get(
    '/schemas/types',
    answering(async () => ({ json: ['AVRO'] })),
  )
  app.get(
    '/schemas/ids/:id',
    answering(async (params) => ({ json: { schema: await schemaText(params) } })),
  )
  app.get(
    '/schemas/ids/:id/schema',
    answering(async (params) => ({ text: await schemaText(params) })),
  )
  app.get(
    '/schemas/ids/:id/versions',
    answering(async (params, request) => ({ json: await uses(params, request) })),
  )
  app.get(
    '/schemas/ids/:id/subjects',
    answering(async (params, request) => ({
      json: [...new Set((await uses(params, request)).map(({ subject }) => subject))],
    })),
  )

  app.get(
    '/subjects',
    answering(async (_params, request) => {
      const { subjectPrefix } = request.query
      const prefix = typeof subjectPrefix === 'string' ? subjectPrefix : ''
      const subjects = await registry.subjects(lookOf(request))
      return { json: subjects.filter((subject) => subject.startsWith(prefix)) }
    }),
  )
  app.post(
    '/subjects/:subject',
    answering(async ({ subject = '' }, request) => {
      const schema = await schemaOf(request)
      const found = await registry.find(subject, schema, lookOf(request))
      if (found !== null) return { json: found }
      throw (await registry.versions(subject, lookOf(request))).length === 0
        ? subjectUnknown(subject)
        : schemaUnknownUnder(subject)
    }),
  )
  app.delete(
    '/subjects/:subject',
    answering(async ({ subject = '' }, request) => ({
      json: await registry.deleteSubject(subject, { permanent: isSet(request, 'permanent') }),
    })),
  )
  app.get(
    '/subjects/:subject/versions',
    answering(async ({ subject = '' }, request) => {
      const versions = await registry.versions(subject, lookOf(request))
      if (versions.length === 0) throw subjectUnknown(subject)
      return { json: versions }
    }),
  )
  app.post(
    '/subjects/:subject/versions',
    answering(async ({ subject = '' }, request) => {
      const { id } = await registry.register(subject, await schemaOf(request))
      return { json: { id } }
    }),
  )
  app.get(
    '/subjects/:subject/versions/:version',
    answering(async (params, request) => ({ json: await versionOf(params, request) })),
  )
  app.get(
    '/subjects/:subject/versions/:version/schema',
    answering(async (params, request) => ({ text: (await versionOf(params, request)).schema })),
  )
  app.get(
    '/subjects/:subject/versions/:version/referencedby',
    answering(async (params, request) => {
      await versionOf(params, request)
      return { json: [] }
    }),
  )
  app.delete(
    '/subjects/:subject/versions/:version',
    answering(async (params, request) => {
      const subject = params['subject'] ?? ''
      const wanted = parseVersion(params['version'])
      const version = wanted === 'latest' ? (await versionOf(params, request)).version : wanted
      return { json: await registry.deleteVersion(subject, version, { permanent: isSet(request, 'permanent') }) }
    }),
  )

  app.post(
    '/compatibility/subjects/:subject/versions{/:version}',
    answering(async ({ subject = '', version }, request) => {
      const schema = await schemaOf(request)
      const wanted = version === undefined ? undefined : parseVersion(version)
      const messages = await registry.check(subject, schema, wanted)
      const verdict = { is_compatible: messages.length === 0 }
      return { json: isSet(request, 'verbose') ? { ...verdict, messages } : verdict }
    }),
  )

  setting('config', 'compatibilityLevel', 'compatibility', {
    get: (subject) => registry.level(subject),
    set: (subject, body) => registry.setLevel(subject, parseLevel(body)),
    clear: (subject) => registry.setLevel(subject, null),
  })
  setting('mode', 'mode', 'mode', {
    get: (subject) => registry.mode(subject),
    set: (subject, body) => registry.setMode(subject, parseMode(body)),
    clear: (subject) => registry.setMode(subject, null),
  })

  /** `/config` and `/mode`: of the registry, or of one subject. The dialect names a level otherwise when it is set. */
  function setting(
    path: 'config' | 'mode',
    shownAs: string,
    setAs: string,
    kept: {
      get(subject: string | null): Promise<string | null>
      set(subject: string | null, body: unknown): Promise<void>
      clear(subject: string | null): Promise<void>
    },
  ): void {
    const about = ({ subject }: Params) => subject ?? null
    const own = async (subject: string | null) => {
      const value = await kept.get(subject)
      if (value === null) throw noneOfItsOwn(path, subject ?? '')
      return value
    }
    const route = `/${path}{/:subject}`
    app.get(
      route,
      answering(async (params, request) => {
        const fallback = isSet(request, 'defaultToGlobal') ? await kept.get(null) : null
        return { json: { [shownAs]: (await kept.get(about(params))) ?? fallback ?? (await own(about(params))) } }
      }),
    )
    app.put(
      route,
      answering(async (params, request) => {
        const body = parseBody(request)
        await kept.set(about(params), body)
        return { json: { [setAs]: await kept.get(about(params)) } }
      }),
    )
    app.delete(
      route,
      answering(async (params) => {
        const before = await own(about(params))
        await kept.clear(about(params))
        return { json: { [shownAs]: before } }
      }),
    )
  }

  app.use((_request, response) => sendError(response, { status: 404, code: 404, message: 'HTTP 404 Not Found' }))
  const onError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const answer = answerTo(error)
    if (answer.status >= 500) log.error({ error: errorText(error) }, 'a request failed')
    sendError(response, answer)
  }
  app.use(onError)
  return app
}
