import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { redact, secretsOf } from '../../../src/connect/config.ts'
import { loadConnectors } from '../../../src/connect/load.ts'
import { url } from '../../../src/connect/fields.ts'
import type { Problem } from '../../../src/connect/config-node.ts'

const folder = mkdtempSync(join(tmpdir(), 'drawbridge-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`
let files = 0

async function load(yaml: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, `c${files++}.yaml`)
  writeFileSync(file, yaml)
  return await loadConnectors([file], env)
}

/** Problems as `line:column path: message`. */
async function problems(yaml: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  try {
    await load(yaml, env)
    return []
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG', verdict: 'refuse' })
    const { problems: found } = (error as { details: { problems: readonly Problem[] } }).details
    for (const { place } of found) expect((error as Error).message).toContain(place)
    return found.map(({ place, path, message }) => `${place.split(':').slice(1).join(':')} ${path}: ${message}`)
  }
}

const webhook = (config: string) => `name: hook\ntype: webhook-sink\ntopic: airports\nconfig:\n${config}`

test('every problem of every document is told at once, with line, column and key path', async () => {
  const found = await problems(`name: hook
type: webhook-sink
topic: airports
config:
  url: ftp://example.org
  secrets: [short]
  timeout: 5
  concurrency: 0
  retry:
    atempts: 3
---
name: in
type: file-sourse
topic: drawbridge.x
`)
  expect(found).toEqual([
    '7:3 config.timeout: unknown key; did you mean "timeoutMs"?',
    '5:8 config.url: must be a URL that begins with http:// or https://',
    '6:13 config.secrets[0]: must be whsec_ and the base64 of 24 to 64 random bytes',
    '8:16 config.concurrency: must be integer, 1 to 1000, not 0',
    '10:5 config.retry.atempts: unknown key; did you mean "attempts"?',
    '13:7 type: must be file-source | file-sink | webhook-source | webhook-sink, not "file-sourse"',
    expect.stringContaining('14:8 topic: topic name "drawbridge.x"'),
  ])
})

test('a missing key names what belongs there', async () => {
  expect(await problems(webhook('  timeoutMs: 100'))).toEqual([
    '5:3 config.url: missing; expected URL (http or https): the endpoint; each record is one POST',
    expect.stringMatching(/^5:3 config.secrets: missing; expected list of secret text/),
  ])
})

test('two connectors of one name are refused', async () => {
  const sink = 'name: a\ntype: file-sink\ntopic: t\nconfig: { directory: d, format: csv }\n'
  expect(await problems(`${sink}---\n${sink}`)).toEqual([
    expect.stringMatching(/^6:1 name: "a" is the name of the connector at .*:1:1, too/),
  ])
})

test('what is not YAML is refused without repeating what it holds', async () => {
  const found = await problems(webhook(`  secrets: ["${SECRET}"\n  url: x`))
  expect(found.length).toBeGreaterThan(0)
  expect(found.join('\n')).not.toContain(SECRET)
})

test('${NAME} is taken from the environment, $${ stands for itself, a missing variable is named', async () => {
  const [one] = await load(webhook('  url: https://${HOST}/$${x}\n  secrets: ["${S}"]\n  timeoutMs: "${T}"'), {
    HOST: 'example.org',
    S: SECRET,
    T: '1234',
  })
  expect(one?.config).toMatchObject({ url: 'https://example.org/${x}', secrets: [SECRET], timeoutMs: 1234 })
  expect(await problems(webhook('  url: https://${HOST}/\n  secrets: ["${S}"]'), { HOST: 'h' })).toEqual([
    '6:13 config.secrets[0]: environment variable S is not set; set it, or write "$${" for the characters themselves',
  ])
})

test('a secret may come from a file, nothing else may', async () => {
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`)
  const [one] = await load(webhook(`  url: https://example.org\n  secrets: ["\${file:${folder}/secret}"]`))
  expect(one?.config.secrets).toEqual([SECRET])
  expect(await problems(webhook(`  url: "\${file:${folder}/secret}"\n  secrets: ["${SECRET}"]`))).toEqual([
    '5:8 config.url: only a secret may come from a file; use an environment variable here',
  ])
})

test.each([
  ['in place of a list', `  url: https://example.org\n  secrets: ${SECRET}`],
  ['with a wrong form', `  url: https://example.org\n  secrets: ["x${SECRET}"]`],
  ['as a number', `  url: https://example.org\n  secrets: ["${SECRET}"]\n  headers: { authorization: 12345678901 }`],
  [
    'in a reserved header',
    `  url: https://example.org\n  secrets: ["${SECRET}"]\n  headers: { host: "Bearer 12345678901" }`,
  ],
])('a refused secret is not repeated: %s', async (_name, config) => {
  const found = await problems(webhook(config))
  expect(found.length).toBe(1)
  expect(found.join()).not.toContain(SECRET.slice(6, 20))
  expect(found.join()).not.toContain('12345678901')
})

test('a URL with user or password is refused without repeating it, and told where credentials belong', async () => {
  for (const user of ['user-x:pass-word@', 'user-x@', ':pass-word@']) {
    expect(await problems(webhook(`  url: https://${user}example.org\n  secrets: ["${SECRET}"]`))).toEqual([
      '5:8 config.url: must hold no user or password; put credentials into headers',
    ])
  }
})

test('a literal private address needs allowPrivate; names are not judged here', async () => {
  const config = (host: string, more = '') => webhook(`  secrets: ["${SECRET}"]\n  url: http://${host}/hook${more}`)
  for (const host of ['127.0.0.1:8080', '[::1]', '169.254.169.254', '0x7f.1']) {
    expect(await problems(config(host))).toEqual([
      '6:8 config.url: its host is not an address of the public internet; if it is meant, set allowPrivate: true',
    ])
    expect(await problems(config(host, '\n  allowPrivate: true'))).toEqual([])
  }
  for (const host of ['8.8.8.8', 'localhost', 'example.org']) expect(await problems(config(host))).toEqual([])
})

test('redaction hides secrets, header values and the credentials of URLs', async () => {
  const [one] = await load(
    webhook(
      `  url: https://example.org/path?token=abcdef\n  secrets: ["${SECRET}"]\n  headers: { authorization: Bearer xyz-123 }`,
    ),
  )
  if (one === undefined) throw new Error('nothing loaded')
  expect(redact(one.connector.config, one.config)).toMatchObject({
    url: 'https://example.org/path?***',
    secrets: ['***'],
    headers: { authorization: '***' },
    timeoutMs: 15_000,
  })
  expect(secretsOf(one.connector.config, one.config)).toEqual(['token=abcdef', SECRET, 'Bearer xyz-123'])
  const spec = { url: url({ doc: 'one that may hold credentials', required: true }) }
  const config = { url: 'https://user:pass-word@example.org/path' }
  expect(redact(spec, config)).toEqual({ url: 'https://example.org/path' })
  expect(secretsOf(spec, config)).toEqual(['user', 'pass-word', 'pass-word'])
})

test('a topic may be declared with a schema’s file; key and schema are checked', async () => {
  writeFileSync(
    join(folder, 'a.avsc'),
    JSON.stringify({ type: 'record', name: 'A', fields: [{ name: 'id', type: 'long' }] }),
  )
  const source = (topic: string) => `name: in\ntype: file-source\ntopic: ${topic}\nconfig: { path: x.csv, format: csv }`
  const [one] = await load(source('{ name: t, schema: a.avsc, key: id, partitions: 3 }'))
  expect(one?.topic).toMatchObject({ name: 't', declaration: { name: 't', partitions: 3 } })
  expect(await problems(source('{ name: t, schema: a.avsc, key: ident }'))).toEqual([
    '3:19 topic.key: the schema has no field "ident"; its fields are id',
  ])
  expect(await problems(source('{ name: t, schema: b.avsc }'))).toEqual([
    expect.stringMatching(/^3:19 topic.schema: .*b\.avsc: ENOENT/),
  ])
})

test('paths start at the file’s folder', async () => {
  const [one] = await load('name: a\ntype: file-sink\ntopic: t\nconfig: { directory: sub/out, format: csv }')
  expect(one?.config.directory).toBe(join(folder, 'sub/out'))
})
