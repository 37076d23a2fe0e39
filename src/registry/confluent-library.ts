// The only file that knows @kafkajs/confluent-schema-registry. It builds the requests; they are sent by our transport,
// because the library's own has no time limit, no size limit, one host, and leaves a connection that breaks within an
// answer waiting for ever (DECISIONS.md). A middleware that does not call `next` is the library's own way to do that.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import type { Answer } from './confluent-answer.ts'
import type { Call, Transport } from './confluent-transport.ts'

/** The requests that the library knows how to build. `deleted` and `verbose` go into the query. */
export interface LibraryCalls {
  readonly Schema: { find(params: { readonly id: number }): Promise<Answer> }
  readonly Subject: {
    all(params: { readonly deleted?: true }): Promise<Answer>
    latestVersion(params: OfSubject): Promise<Answer>
    version(params: OfSubject & { readonly version: number }): Promise<Answer>
    registered(params: OfSubject & WithSchema): Promise<Answer>
    register(params: OfSubject & WithSchema): Promise<Answer>
    config(params: { readonly subject: string }): Promise<Answer>
    updateConfig(params: {
      readonly subject: string
      readonly body: { readonly compatibility: string }
    }): Promise<Answer>
    compatible(
      params: OfSubject & WithSchema & { readonly version: number | 'latest'; readonly verbose: true },
    ): Promise<Answer>
  }
}

interface OfSubject {
  readonly subject: string
  readonly deleted?: true
}

interface WithSchema {
  readonly body: { readonly schema: string }
}

/** Never looked up: the transport knows the hosts. */
const HOST = 'http://registry.invalid'

type Middleware = NonNullable<ConstructorParameters<typeof SchemaRegistry>[0]['middlewares']>[number]
type Options = { readonly askOthers?: Call['askOthers'] }

export function createLibraryCalls(transport: Transport, options: Options = {}): LibraryCalls {
  const sendOurselves: Middleware = () => ({
    // The last middleware is the outermost one: the library's retry and error layers stand below it and are never asked.
    response: (_next, _renew, request) => {
      const body: unknown = request.body()
      return transport.call({
        method: request.method().toUpperCase() as Call['method'],
        path: request.url().slice(HOST.length),
        body: typeof body === 'string' ? body : undefined,
        ...(options.askOthers === undefined ? {} : { askOthers: options.askOthers }),
      }) as unknown as ReturnType<NonNullable<ReturnType<Middleware>['response']>>
    },
  })
  const registry = new SchemaRegistry({ host: HOST, middlewares: [sendOurselves] })
  return (registry as unknown as { readonly api: LibraryCalls }).api
}
