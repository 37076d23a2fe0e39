import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { configHelp, configTable } from '../../../src/connect/config-docs.ts'
import type { ConfigSpec } from '../../../src/connect/config.ts'
import { documentSpec, loadConnectors } from '../../../src/connect/load.ts'
import { declarationSpec } from '../../../src/connect/topic-field.ts'
import { durationMs, group, secret } from '../../../src/connect/fields.ts'
import { connectorTypes, loadConnectorType } from '../../../src/connect/types.ts'

const spec = {
  timeoutMs: durationMs({ doc: 'how long', default: 5, max: 10 }),
  access: group({ token: secret({ doc: 'the | token', required: true }) }, { doc: 'who' }),
}

test('help and table come from the spec, nested keys with their path', () => {
  expect(configHelp(spec)).toBe(
    [
      '  timeoutMs     how long (milliseconds, 0 to 10; default 5)',
      '  access        who (keys below it)',
      '  access.token  the | token (secret text; required)',
    ].join('\n'),
  )
  expect(configTable(spec).split('\n').slice(2)).toEqual([
    '| `timeoutMs` | milliseconds, 0 to 10 | default 5 | how long |',
    '| `access` | keys below it |  | who |',
    '| `access.token` | secret text | required | the \\| token |',
  ])
})

test.each(connectorTypes)('%s documents every key and lives in the folder of its name', async (type) => {
  const connector = await loadConnectorType(type)
  expect(connector.type).toBe(type)
  expect(
    configTable(connector.config)
      .split('\n')
      .every((row) => !row.endsWith('|  |')),
  ).toBe(true)
})

test('connectors/README.md holds every table as the specs say', async () => {
  const readme = readFileSync(new URL('../../../connectors/README.md', import.meta.url), 'utf8')
  const specs = [
    documentSpec,
    declarationSpec,
    ...(await Promise.all(connectorTypes.map(async (type) => (await loadConnectorType(type)).config))),
  ]
  for (const spec of specs) expect(readme).toContain(configTable(spec as ConfigSpec<Record<string, unknown>>))
})

test('the examples of connectors/README.md are sound', async () => {
  const readme = readFileSync(new URL('../../../connectors/README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/```yaml\n([^`]*)```/g)].map((match) => match[1] ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-readme-'))
  mkdirSync(join(folder, 'schemas'))
  writeFileSync(
    join(folder, 'schemas/airport.avsc'),
    JSON.stringify({ type: 'record', name: 'Airport', fields: [{ name: 'iata', type: 'string' }] }),
  )
  const secret = join(folder, 'secret')
  writeFileSync(secret, `whsec_${Buffer.alloc(32, 7).toString('base64')}`)
  const file = join(folder, 'c.yaml')
  writeFileSync(file, examples.join('---\n').replace('/run/secrets/partner-webhook', secret))
  const loaded = await loadConnectors([file], { GITHUB_WEBHOOK_SECRET: 'x', PARTNER_TOKEN: 'y' })
  expect(loaded.map(({ connector }) => connector.type).sort()).toEqual([...connectorTypes].sort())
  rmSync(folder, { recursive: true })
})
