import { expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { readSettings } from '../../../../src/backends/kafka/settings.ts'
import { tempDir } from '../../../kit/temp-dir.ts'

const SECRET = 'hunter2'

function file(text: string, name = 'kafka.yaml'): string {
  const path = join(tempDir(), name)
  writeFileSync(path, text)
  return path
}

test('url-and-file-add-up-and-the-url-wins', async () => {
  const config = file(
    `user: shop\npassword: ${SECRET}\nmechanism: SCRAM-SHA-256\ncompression: gzip\ninstance: worker-1\n`,
  )
  const settings = await readSettings(`kafka+ssl://one?config=${config}&compression=zstd`)
  expect(settings).toMatchObject({
    compression: 'zstd',
    instance: 'worker-1',
    login: { mechanism: 'SCRAM-SHA-256', user: 'shop' },
  })
  await expect(settings.login?.secret()).resolves.toBe(SECRET)
  // Whatever prints it all shows nothing of it.
  expect(inspect(settings, { depth: null, showHidden: true }) + JSON.stringify(settings)).not.toContain(SECRET)
})

test('without-options-nothing-is-set', async () => {
  await expect(readSettings('kafka://one')).resolves.toEqual({
    seeds: [{ host: 'one', port: 9092 }],
    tls: undefined,
    login: undefined,
    compression: 'none',
    instance: undefined,
  })
})

test('a-password-file-is-read-at-each-login', async () => {
  const path = file('old\n', 'password')
  const { login } = await readSettings(`kafka+ssl://one?config=${file(`user: shop\npasswordFile: ${path}\n`)}`)
  await expect(login?.secret()).resolves.toBe('old')
  writeFileSync(path, 'new')
  await expect(login?.secret()).resolves.toBe('new')
  writeFileSync(path, '')
  await expect(login?.secret()).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining(path) })
})

test.each([
  ['kafka://one?compression=brotli', 'compression is to be one of none, gzip, snappy, lz4, zstd'],
  ['kafka://one?instance=a%20b', 'instance is to be'],
  ['kafka://one?ca=x.pem', 'ca is for TLS only'],
  ['kafka+ssl://one?ca=/nowhere.pem', '/nowhere.pem cannot be read'],
  ['kafka+ssl://one?cert=/nowhere.pem', 'both cert and key'],
  [`kafka://shop:${SECRET}@one`, 'in the open'],
  [
    `kafka+ssl://shop:${SECRET}@one?mechanism=KERBEROS`,
    'mechanism is to be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER',
  ],
  ['kafka+ssl://one?mechanism=PLAIN', 'needs user and password'],
  ['kafka+ssl://one?mechanism=OAUTHBEARER', 'needs a token'],
])('a-mistake-names-the-option: %s', async (url, said) => {
  await expectMistake(url, said)
})

test.each([
  ['user: shop\n', 'password: a user needs a password'],
  [`user: shop\npassword: ${SECRET}\npasswordFile: x\n`, 'password: a user needs a password'],
  ['user: shop\npasswordFile: nowhere\n', undefined],
  [`user: shop\npasword: ${SECRET}\n`, 'pasword: there is no such key'],
  ['mechanism: PLAIN\nuser: shop\ntoken: { file: x }\n', 'token: is for mechanism OAUTHBEARER alone'],
  ['token: {}\n', 'token.file: a token comes from one place'],
  ['token: { file: a, command: [b] }\n', 'token.file: a token comes from one place'],
  [
    `token: { url: "https://me:${SECRET}@one/", clientId: a, clientSecret: b }\n`,
    'token.url: give an https:// address',
  ],
  ['token: { url: "http://one/", clientId: a, clientSecret: b }\n', 'token.url: give an https:// address'],
  ['token: { url: "https://one/" }\n', 'token.clientId: is missing'],
  ['token: { url: "https://one/", clientId: a }\n', 'token.clientSecret: give'],
])('a-mistake-in-the-file-names-file-and-key: %j', async (text, said) => {
  const path = file(text)
  if (said === undefined) {
    const { login } = await readSettings(`kafka+ssl://one?config=${path}`)
    await expect(login?.secret()).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  } else await expectMistake(`kafka+ssl://one?config=${path}`, `${path}: ${said}`)
})

async function expectMistake(url: string, said: string): Promise<void> {
  const mistake: unknown = await readSettings(url).catch((error: unknown) => error)
  expect(mistake).toMatchObject({ code: 'ERR_CONFIG' })
  expect((mistake as Error).message).toContain(said)
  expect(inspect(mistake)).not.toContain(SECRET)
}
