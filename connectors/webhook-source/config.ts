import type { ConfigOf } from '../../src/connect/config.ts'
import { choice, durationMs, group, integer, list, secret, text } from '../../src/connect/fields.ts'
import { checkWebhookSecret } from '../../src/connect/standard-webhooks.ts'

const verifyFields = {
  scheme: choice(['standard-webhooks', 'github'], { doc: 'how deliveries are signed', required: true }),
  secrets: list(secret({ doc: 'secret', required: true }), {
    doc: 'secrets (standard-webhooks: whsec_…); one has to match, so that they can be rotated',
    required: true,
    atLeast: 1,
  }),
}

const plainVerify = group(verifyFields, { doc: 'who may send', required: true })

/** A group whose secrets have the form its scheme asks for. */
const verify: typeof plainVerify = {
  ...plainVerify,
  read(node, at) {
    const value = plainVerify.read(node, at)
    if (value?.scheme !== 'standard-webhooks') return value
    const problems = value.secrets.map(checkWebhookSecret)
    problems.forEach((problem, index) => {
      if (problem !== undefined)
        at.report({ place: node.place, path: `${at.path}.secrets[${index}]`, message: problem })
    })
    return problems.every((problem) => problem === undefined) ? value : undefined
  },
}

export const webhookSourceConfig = {
  host: text({ doc: 'address to listen on', default: '127.0.0.1' }),
  port: integer({
    doc: 'port to listen on; 0 takes a free one, which status shows',
    required: true,
    min: 0,
    max: 65_535,
  }),
  path: text({
    doc: 'path that takes deliveries',
    default: '/',
    check: (path) =>
      /^\/[\x21-\x7e]*$/.test(path) && !/[?#*:{}()[\]!+\\]/.test(path)
        ? undefined
        : 'must begin with / and be a plain path',
  }),
  verify,
  value: choice(['json', 'envelope'], {
    doc: 'json: the body, led by the topic’s schema; envelope: connect.WebhookReceived with the body’s bytes',
    default: 'json',
  }),
  maxBodyBytes: integer({ doc: 'larger bodies are answered 413', default: 950_000, min: 1, max: 1_000_000 }),
  maxInFlight: integer({ doc: 'deliveries in hand at once; more are answered 503', default: 1_000, min: 1 }),
  rememberIds: integer({
    doc: 'ids of the last deliveries, by which one that comes again is known',
    default: 10_000,
    min: 0,
    max: 1_000_000,
  }),
  requestTimeoutMs: durationMs({ doc: 'a request has to be here in whole by then', default: 30_000, min: 100 }),
}

export type WebhookSourceConfig = ConfigOf<typeof webhookSourceConfig>
