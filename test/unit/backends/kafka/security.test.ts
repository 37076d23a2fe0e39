import { expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openBackend } from '../../../../src/backends/open.ts'
import type { Backend } from '../../../../src/core/backend.ts'
import { eventually } from '../../../kit/eventually.ts'
import { joinGroup } from '../../../kit/group-member.ts'
import { runProcess } from '../../../kit/process.ts'
import { testUnless } from '../../../kit/skip.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { type Right, keepingLog, secureKafka, secureMissing } from './secure.ts'

const TLS = 'kafka+ssl://'
const SPEC = { partitions: 1, compact: false, retentionMs: null, retentionBytes: null }

function securityTest(name: string, run: (kafka: ReturnType<typeof secureKafka>) => Promise<void>): void {
  testUnless(secureMissing, name, () => run(secureKafka()))
}

async function withBackend(
  url: string,
  work: (backend: Backend) => Promise<void>,
  log = keepingLog(),
): Promise<string> {
  const backend = await openBackend(url, { log })
  try {
    await work(backend)
  } finally {
    await backend.close()
  }
  return log.text()
}

function record(text: string) {
  return { key: null, value: Buffer.from(text), headers: [], timestamp: Date.now() }
}

async function readOne(backend: Backend, topic: string): Promise<void> {
  const limits = { maxRecords: 1, maxBytes: 1 }
  const reader = await backend.openReader({ topic, ranges: [{ partition: 0, from: 0 }], limits })
  try {
    await reader.pull(0)
  } finally {
    await reader.close()
  }
}

function topicName(): string {
  return `secure-${randomBytes(4).toString('hex')}`
}

securityTest('every-way-in-writes-joins-and-reads', async ({ host, ca, file, passwords, token, config }) => {
  const { shop } = passwords
  const tokenFile = join(tempDir(), 'token')
  writeFileSync(tokenFile, token('shop'))
  const ways = [
    `${TLS}${host('TLS')}?${ca}`,
    `${TLS}${host('TLS')}?${ca}&servername=broker.test`,
    `${TLS}${host('MUTUAL')}?${ca}&cert=${file('client.pem')}&key=${file('client.key')}`,
    `${TLS}shop:${shop}@${host('LOGIN')}?${ca}`,
    `${TLS}shop:${shop}@${host('LOGIN')}?${ca}&mechanism=SCRAM-SHA-256`,
    `${TLS}shop:${shop}@${host('LOGIN')}?${ca}&mechanism=scram-sha-512`,
    `${TLS}${host('LOGIN')}?config=${config({ user: 'shop', password: shop, mechanism: 'SCRAM-SHA-512' })}`,
    `${TLS}${host('LOGIN')}?config=${config({ token: { file: tokenFile } })}`,
    `kafka://shop:${shop}@${host('OPEN')}?mechanism=SCRAM-SHA-256`,
  ]
  for (const url of ways) {
    await withBackend(url, async (backend) => {
      const name = topicName()
      await backend.createTopic({ name, ...SPEC })
      await backend.append(name, 0, [record('one'), record('two')])
      const member = await joinGroup(backend, { group: name, topic: name, commit: true })
      await eventually(() => member.values().length === 2, { what: 'both records' })
      expect(member.values()).toEqual(['one', 'two'])
      const position = async () => (await backend.describeGroup(name, name)).positions[0]
      await eventually(async () => (await position())?.lag === 0, { what: 'the commit of both' })
      await member.feed.close()
    })
  }
})

securityTest('whoever-is-refused-hears-what-mends-it', async ({ host, ca, token, config }) => {
  const wrong = 'wr0ng-s3cret'
  const tokenFile = join(tempDir(), 'token')
  writeFileSync(tokenFile, token('shop', -60))
  const refusals: readonly (readonly [url: string, code: string, ...said: string[]])[] = [
    [
      `${TLS}shop:${wrong}@${host('LOGIN')}?${ca}`,
      'ERR_CONFIG',
      'user "shop"',
      'SASL PLAIN',
      'check user and password',
    ],
    [`${TLS}shop:${wrong}@${host('LOGIN')}?${ca}&mechanism=SCRAM-SHA-256`, 'ERR_CONFIG', 'SCRAM-SHA-256', 'check user'],
    [`${TLS}nobody:${wrong}@${host('LOGIN')}?${ca}&mechanism=SCRAM-SHA-512`, 'ERR_CONFIG', 'user "nobody"'],
    [
      `${TLS}${host('LOGIN')}?config=${config({ token: { file: tokenFile } })}`,
      'ERR_CONFIG',
      'OAUTHBEARER',
      'token comes from',
    ],
    [`${TLS}shop:${wrong}@${host('TLS')}?${ca}`, 'ERR_CONFIG', 'takes no login by SASL PLAIN'],
    [`${TLS}${host('LOGIN')}?${ca}`, 'ERR_BROKER_UNREACHABLE', 'give user and password'],
    [`${TLS}${host('TLS')}`, 'ERR_CONFIG', 'not trusted', 'ca=FILE'],
    [`${TLS}${host('TLS')}?${ca}&servername=other.test`, 'ERR_CONFIG', 'servername='],
    [`${TLS}${host('MUTUAL')}?${ca}`, 'ERR_CONFIG', 'cert=FILE and key=FILE'],
    [`kafka://${host('TLS')}`, 'ERR_BROKER_UNREACHABLE', 'kafka+ssl://'],
    [`${TLS}${host('CLIENT')}?${ca}`, 'ERR_BROKER_UNREACHABLE', 'begin the URL with kafka://'],
  ]
  for (const [url, code, ...said] of refusals) {
    const log = keepingLog()
    const refusal: unknown = await openBackend(url, { log }).then(
      () => `let in by ${url}`,
      (error: unknown) => error,
    )
    expect(refusal).toMatchObject({ code })
    for (const words of said) expect((refusal as Error).message).toContain(words)
    expect(inspect(refusal, { depth: null }) + log.text()).not.toContain(wrong)
  }
})

securityTest('a-missing-right-is-named', async ({ host, ca, passwords, allow }) => {
  const [name, other] = [topicName(), topicName()]
  await withBackend(`kafka://${host('CLIENT')}`, async (admin) => {
    await admin.createTopic({ name, ...SPEC })
    await admin.createTopic({ name: other, ...SPEC })
  })
  await withBackend(`${TLS}guest:${passwords.guest}@${host('LOGIN')}?${ca}`, async (backend) => {
    const lacks = async (work: () => Promise<unknown>, right: string) => {
      await eventually(
        async () => {
          const error: unknown = await work().catch((caught: unknown) => caught)
          expect(String(error)).toContain(right)
          expect(error).toMatchObject({ code: 'ERR_CONFIG' })
          return true
        },
        { what: `the lack of ${right} to be told` },
      )
    }
    const rights: readonly Right[] = [['TOPIC', name, 'WRITE']]
    const append = () => backend.append(name, 0, [record('x')])
    const join = async () => {
      const member = await joinGroup(backend, { group: name, topic: name })
      await member.feed.close()
    }
    await allow('guest', [])
    await lacks(() => backend.createTopic({ name: `${name}-2`, ...SPEC }), 'Describe and Read on the topic')
    await lacks(append, 'Write on a topic')
    await allow('guest', rights)
    await eventually(append, { what: 'an append with all its rights' })
    await allow('guest', [...rights, ['TOPIC', other, 'DESCRIBE']])
    await lacks(() => backend.append(other, 0, [record('x')]), 'Write on the topic')
    await lacks(() => readOne(backend, name), 'Read on the topic')
    await lacks(() => backend.describeTopic(name), 'DescribeConfigs on the topic')
    await lacks(join, 'Describe and Read on the group')
    await lacks(() => backend.deleteTopic(name), 'Delete on the topic')
    await lacks(() => backend.widenTopic(name, 2), 'Alter on the topic')
    await allow('guest', [...rights, ['TOPIC', `${name}-2`, 'DESCRIBE']])
    await lacks(
      () => backend.createTopic({ name: `${name}-2`, ...SPEC }),
      'Create on the topic and DescribeConfigs on the cluster',
    )
  })
})

securityTest('a-login-that-ends-is-renewed-under-way', async ({ host, ca, passwords, token, config }) => {
  // The broker lets a login count for three seconds and then hangs up.
  const tokens = join(tempDir(), 'token.cjs')
  const parts = token('shop').split('.')
  writeFileSync(tokens, `console.log(${JSON.stringify(parts.join('.'))})`)
  for (const url of [
    `${TLS}shop:${passwords.shop}@${host('BRIEF')}?${ca}`,
    `${TLS}shop:${passwords.shop}@${host('BRIEF')}?${ca}&mechanism=SCRAM-SHA-256`,
    `${TLS}${host('BRIEF')}?config=${config({ token: { command: [process.execPath, tokens] } })}`,
  ]) {
    const told = await withBackend(url, async (backend) => {
      const name = topicName()
      await backend.createTopic({ name, ...SPEC })
      const member = await joinGroup(backend, { group: name, topic: name, commit: true })
      const until = performance.now() + 8_000
      let sent = 0
      while (performance.now() < until) {
        await backend.append(name, 0, [record(String(sent++))])
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await eventually(() => member.values().length === sent, { what: `all ${sent} records` })
      expect(member.values()).toEqual(Array.from({ length: sent }, (_, index) => String(index)))
      expect([...member.breaches, ...member.lost, ...member.failures]).toEqual([])
      await member.feed.close()
    })
    expect(told).not.toMatch(/failed|interrupted|kafkajs/)
  }
})

securityTest('a-new-password-in-the-file-counts-from-the-next-login', async ({ host, passwords, config }) => {
  const passwordFile = join(tempDir(), 'password')
  const url = `${TLS}${host('LOGIN')}?config=${config({ user: 'shop', passwordFile })}`
  writeFileSync(passwordFile, 'not-yet\n')
  await expect(openBackend(url, { log: keepingLog() })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  writeFileSync(passwordFile, `${passwords.shop}\n`)
  await withBackend(url, async (backend) => void (await backend.listTopics()))
})

securityTest('a-password-that-is-wrong-for-a-while-loses-nothing-and-is-told', async ({ host, passwords, config }) => {
  const passwordFile = join(tempDir(), 'password')
  writeFileSync(passwordFile, passwords.shop)
  // Logins count for three seconds there, so that the file is looked at soon.
  const url = `${TLS}${host('BRIEF')}?config=${config({ user: 'shop', passwordFile, mechanism: 'SCRAM-SHA-256' })}`
  const log = keepingLog()
  await withBackend(
    url,
    async (backend) => {
      const name = topicName()
      await backend.createTopic({ name, ...SPEC })
      const member = await joinGroup(backend, { group: name, topic: name, commit: true })
      await backend.append(name, 0, [record('before')])
      await eventually(() => member.values().length === 1, { what: 'what came before' })
      writeFileSync(passwordFile, 'wrong for a while')
      await eventually(() => log.text().includes('Kafka let us in before'), { what: 'the refusal to be told' })
      const late: unknown = await backend.append(name, 0, [record('meanwhile')]).catch((error: unknown) => error)
      if (late instanceof Error) expect(late).toMatchObject({ verdict: 'retry' })
      writeFileSync(passwordFile, passwords.shop)
      const append = () => backend.append(name, 0, [record('behind')])
      await eventually(append, { what: 'an append after it is right again' })
      await eventually(() => member.values().includes('behind'), { what: 'the member to go on', timeoutMs: 30_000 })
      expect(member.failures).toEqual([])
      await member.feed.close()
    },
    log,
  )
  expect(log.text()).not.toContain('wrong for a while')
})

securityTest('no-command-prints-a-secret', async ({ host, ca, passwords, token, config }) => {
  const tokenFile = join(tempDir(), 'token')
  writeFileSync(tokenFile, token('shop'))
  const wrong = `wr0ng-${randomBytes(4).toString('hex')}`
  const secrets = [passwords.shop, passwords.guest, wrong, token('shop').split('.')[1] ?? '']
  const urls = [
    `${TLS}shop:${passwords.shop}@${host('LOGIN')}?${ca}`,
    `${TLS}shop:${wrong}@${host('LOGIN')}?${ca}`,
    `${TLS}shop:${wrong}@${host('LOGIN')}?${ca}&mechanism=SCRAM-SHA-512`,
    `kafka://shop:${wrong}@${host('LOGIN')}`,
    `${TLS}shop:${wrong}@${host('LOGIN')}?${wrong}=1`,
    `${TLS}${host('LOGIN')}?config=${config({ user: 'shop', password: passwords.shop })}`,
    `${TLS}${host('LOGIN')}?config=${config({ token: { file: tokenFile } })}`,
  ]
  const runs = [
    ...urls.map((url) => [url, 'doctor']),
    ...urls.slice(0, 2).map((url) => [url, 'topics', 'list', '--json']),
    ...urls.slice(-1).map((url) => [url, 'groups', 'list']),
  ]
  for (const [url = '', ...args] of runs) {
    const { stdout, stderr } = await runProcess('src/cli/main.ts', { args, env: { DRAWBRIDGE_BROKER: url } })
    expect(stdout + stderr).not.toBe('')
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret)
  }
})
