import { expect, test } from '@jest/globals'
import { configHelp, configTable } from '../../../src/connect/config-docs.ts'
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
