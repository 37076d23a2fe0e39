import { expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { LEAST_NODE, nodeRefusal } from '../../../src/cli/node-version.ts'

test.each(['20.20.2', '21.7.3', '8.0.0', '0.12.18', '9.11.2'])('Node.js %s is refused in one line', (version) => {
  expect(nodeRefusal(version)).toMatch(new RegExp(`needs Node\\.js 22 or newer, this is ${version};[^\\n]*$`))
})

test.each(['22.0.0', '24.21.0', '100.0.0', '23.0.0-nightly2024'])('Node.js %s will do', (version) => {
  expect(nodeRefusal(version)).toBeUndefined()
})

test('the package asks for the same', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly engines: { readonly node: string }
  }
  expect(engines.node).toBe(`>=${LEAST_NODE}`)
})
