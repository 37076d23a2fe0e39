import { expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfigFile } from '../../../src/backends/config-file.ts'
import { tempDir } from '../../kit/temp-dir.ts'

const KNOWN = ['user', 'password', 'ca', 'token', 'command']

function file(text: string): string {
  const path = join(tempDir(), 'broker.yaml')
  writeFileSync(path, text)
  return path
}

test('yaml-and-json-say-the-same-and-paths-count-from-the-file', async () => {
  for (const text of [
    'user: shop\nca: ./ca.pem\ntoken: { command: [a, b] }\n',
    '{"user":"shop","ca":"ca.pem","token":{"command":["a","b"]}}',
  ]) {
    const path = file(text)
    const config = await readConfigFile(path, KNOWN)
    expect(config.text('user')).toBe('shop')
    expect(config.text('password')).toBeUndefined()
    expect(config.path('ca')).toBe(join(path, '../ca.pem'))
    expect(config.level('token', ['command'])?.list('command')).toEqual(['a', 'b'])
  }
})

test.each([
  ['user: shop\npasword: hunter2\n', 'pasword: there is no such key'],
  ['password: 0123\n', 'password: give a text'],
  ['password: ""\n', 'password: is empty'],
  ['token: { file: hunter2 }\n', 'token.file: there is no such key; there are command'],
  ['token: { command: hunter2 }\n', 'token.command: give a list'],
  ['token: hunter2\n', 'token is to be keys'],
  ['hunter2\n', 'the whole is to be keys'],
  ['user: shop\npassword: "hunter2\n', ':3: neither YAML nor JSON'],
])('a-mistake-is-told-with-file-and-key-and-without-a-value: %j', async (text, said) => {
  const path = file(text)
  const mistake = await readConfigFile(path, KNOWN)
    .then((config) => {
      config.text('password')
      config.level('token', ['command'])?.list('command')
      return 'no mistake'
    })
    .catch((error: unknown) => error)
  expect(mistake).toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining(said) })
  expect(String(mistake)).toContain(path)
  expect(String(mistake)).not.toContain('hunter2')
})

test('a-file-that-is-not-there-is-named', async () => {
  await expect(readConfigFile('/nowhere/broker.yaml', KNOWN)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('/nowhere/broker.yaml cannot be read (ENOENT)'),
  })
})
