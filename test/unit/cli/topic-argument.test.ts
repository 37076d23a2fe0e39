import { expect, test } from '@jest/globals'
import { parseTopic } from '../../../src/cli/topic-argument.ts'

test.each([
  ['{"type":"module"}', undefined, /^package\.json: .*unknown type "module"/],
  ['{', undefined, /^package\.json is not JSON/],
])('what is wrong with a schema is told with its file: %s', (schemaText, key, message) => {
  const argument = { name: 't', schemaText, schemaFile: 'package.json', partitions: 1, key, compact: false }
  expect(() => parseTopic(argument)).toThrow(
    expect.objectContaining({ code: 'ERR_SCHEMA_INVALID', message: expect.stringMatching(message) }),
  )
})
