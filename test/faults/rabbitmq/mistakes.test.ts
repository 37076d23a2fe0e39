import { afterAll, describe, expect } from '@jest/globals'
import { openBackend } from '../../../src/backends/open.ts'
import type { Backend } from '../../../src/core/backend.ts'
import { openFakeStreamServer } from '../../kit/fake-stream-server.ts'
import { LIMITS } from '../../kit/group-member.ts'
import { runProcess } from '../../kit/process.ts'
import { testUnless } from '../../kit/skip.ts'
import {
  atEnd,
  changed,
  createUser,
  deleteByManagement,
  log,
  logged,
  missing,
  mistake,
  openLogged,
  putByManagement,
  SECRET,
  shared,
  unique,
} from './broker.ts'

const SPEC = { partitions: 1, compact: false, retentionMs: null, retentionBytes: null }
const open = (address: string) => openBackend(address, { log })

describe('a mistake in the way to RabbitMQ', () => {
  afterAll(() => expect(logged.join('\n')).not.toMatch(/S3cret|guest:guest/))

  testUnless(undefined, 'a-broker-that-is-too-old-is-refused-before-it-is-told-the-password', async () => {
    for (const [version, isOld] of [
      ['3.12.14', true],
      ['3.10.8', true],
      ['3.13.0-rc.1', false],
    ] as const) {
      const server = await openFakeStreamServer({ version })
      atEnd(() => server.close())
      const call = open(`amqp://u:${encodeURIComponent(SECRET)}@127.0.0.1:1/?stream=${server.port}`)
      if (!isOld) {
        await (await call).close()
        continue
      }
      const { code, text } = await mistake(call)
      expect(code).toBe('ERR_UNSUPPORTED')
      expect(text).toContain(`is RabbitMQ ${version}: super streams need 3.13 or later; upgrade`)
      expect(text).not.toContain('S3cret')
      // Peer properties, and nothing after them.
      expect(server.keys).toEqual([0x11])
    }
  })

  testUnless(missing, 'a-broker-without-streams-is-named-with-what-mends-it', async () => {
    const { port } = new URL(shared.url)
    for (const stream of [port, '1']) {
      const { code, text } = await mistake(open(changed(shared.url, {}, { stream })))
      expect(code).toBe('ERR_UNSUPPORTED')
      expect(text).toContain('rabbitmq-plugins enable rabbitmq_stream')
      expect(text).toContain('?stream=PORT')
    }
  })

  testUnless(missing, 'a-wrong-login-or-virtual-host-is-told-apart', async () => {
    const vhost = unique('vhost')
    await putByManagement(`/vhosts/${vhost}`, {})
    atEnd(() => deleteByManagement(`/vhosts/${vhost}`))
    // RabbitMQ lets such clients wait for 3 s.
    const found = await Promise.all(
      [
        changed(shared.url, { username: 'nobody', password: encodeURIComponent(SECRET) }),
        changed(shared.url, { pathname: '/nowhere' }),
        // One that is there, and that the user may not enter.
        changed(await createUser(), { pathname: `/${vhost}` }),
      ].map((address) => mistake(open(address))),
    )
    expect(found.map(({ code }) => code)).toEqual(Array(3).fill('ERR_CONFIG'))
    const [login, nowhere, closed] = found.map(({ text }) => text)
    expect(login).toContain('set user and password in the URL')
    expect(nowhere).toContain('rabbitmqctl list_vhosts')
    expect(closed).toContain('that the user may enter')
    expect(found.map(({ text }) => text).join('\n')).not.toContain('S3cret')
  })

  testUnless(missing, 'a-missing-right-is-named-with-the-command-that-gives-it', async () => {
    const direct = await openLogged(shared.url)
    const topic = unique('rights')
    await direct.createTopic({ name: topic, ...SPEC })
    atEnd(() => direct.deleteTopic(topic))
    const record = { key: null, value: Buffer.from('x'), headers: [], timestamp: 0 }
    const quiet = { onAssign() {}, onRevoke: async () => undefined, onLost() {}, onFailed() {} }
    const cases: readonly (readonly [object, string, (backend: Backend) => Promise<unknown>])[] = [
      [{ configure: '' }, 'configure', (backend) => backend.createTopic({ name: unique('other'), ...SPEC })],
      [{ configure: '' }, 'configure', (backend) => backend.widenTopic(topic, 2)],
      [{ configure: '' }, 'configure', (backend) => backend.deleteTopic(topic)],
      [{ write: '' }, 'write', (backend) => backend.createTopic({ name: unique('other'), ...SPEC })],
      [{ write: '' }, 'write', (backend) => backend.append(topic, 0, [record])],
      [{ read: '' }, 'read', (backend) => backend.describeTopic(topic)],
      [{ read: '' }, 'read', (backend) => backend.offsetsAt(topic, 0)],
      [
        { read: '' },
        'read',
        (backend) => backend.openReader({ topic, ranges: [{ partition: 0, from: 0 }], limits: LIMITS }),
      ],
      [
        { read: '' },
        'read',
        (backend) => backend.openFeed({ group: 'g', topic, from: 'earliest', limits: LIMITS, ...quiet }),
      ],
      [{ read: '' }, 'read', (backend) => backend.resetGroup('g', topic, [0])],
      [{ read: '' }, 'read', (backend) => backend.deleteGroup('g', topic)],
    ]
    const urls = new Map<string, string>()
    for (const [rights, right, call] of cases) {
      const address = urls.get(right) ?? (await createUser(rights))
      urls.set(right, address)
      const { code, text } = await mistake(call(await openLogged(address)))
      expect(`${right}: ${code}`).toBe(`${right}: ERR_CONFIG`)
      expect(text).toMatch(new RegExp(`the right to [a-z, ]*${right}`))
      expect(text).toContain('rabbitmqctl set_permissions -p VHOST USER')
      expect(text).not.toContain('S3cret')
    }
    // A mistake changed nothing, and spoiled no connection.
    expect((await direct.describeTopic(topic)).partitions).toBe(1)
  })

  testUnless(missing, 'the-rights-that-the-papers-name-suffice-to-make-widen-and-delete-a-topic', async () => {
    const name = unique('rights')
    const all = `^(${name}(-\\d+)?|drawbridge[.~].*)$`
    const backend = await openLogged(await createUser({ configure: all, write: all, read: all }))
    await backend.createTopic({ name, ...SPEC })
    await backend.widenTopic(name, 2)
    expect((await backend.describeTopic(name)).partitions).toBe(2)
    await backend.deleteTopic(name)
  })

  testUnless(missing, 'members-are-told-of-only-where-management-answers-this-user', async () => {
    const direct = await openLogged(shared.url)
    const topic = unique('alone')
    await direct.createTopic({ name: topic, ...SPEC })
    atEnd(() => direct.deleteTopic(topic))
    const absent = await mistake(
      (await openLogged(changed(shared.url, {}, { management: '1' }))).describeGroup('g', topic),
    )
    const closed = await mistake((await openLogged(await createUser({}, ''))).listGroups())
    expect([absent.code, closed.code]).toEqual(['ERR_UNSUPPORTED', 'ERR_UNSUPPORTED'])
    expect(absent.text).toContain('rabbitmq-plugins enable rabbitmq_management')
    expect(closed.text).toContain('rabbitmqctl set_user_tags USER monitoring')
    expect(closed.text).not.toContain('S3cret')
  })

  testUnless(missing, 'a-host-that-is-not-there-is-unreachable-and-may-be-tried-again', async () => {
    const nameless = await mistake(open(changed(shared.url, { hostname: 'nowhere.invalid' })))
    const silent = await mistake(open(changed(shared.url, { port: '1' }, { stream: '1' })))
    expect([nameless.code, silent.code]).toEqual(['ERR_BROKER_UNREACHABLE', 'ERR_BROKER_UNREACHABLE'])
    expect(nameless.text).toContain('names its host right')
  })

  testUnless(missing, 'TLS-that-fails-is-told-with-what-mends-it', async () => {
    const plainStream = new URL(shared.url).searchParams.get('stream') ?? ''
    const cases = [
      { address: changed(shared.tlsUrl, {}, { ca: undefined }), code: 'ERR_CONFIG', says: 'ca=FILE' },
      { address: changed(shared.tlsUrl, {}, { servername: 'other.example' }), code: 'ERR_CONFIG', says: 'servername=' },
      { address: changed(shared.tlsUrl, {}, { ca: '/nowhere.pem' }), code: 'ERR_CONFIG', says: '/nowhere.pem' },
      {
        address: changed(shared.tlsUrl, {}, { stream: plainStream }),
        code: 'ERR_BROKER_UNREACHABLE',
        says: 'speaks TLS',
      },
      {
        address: changed(shared.url, {}, { stream: new URL(shared.tlsUrl).searchParams.get('stream') ?? '' }),
        code: 'ERR_UNSUPPORTED',
        says: 'amqps:',
      },
    ]
    for (const { address, code, says } of cases) {
      const found = await mistake(open(address))
      expect(`${says}: ${found.code}`).toBe(`${says}: ${code}`)
      expect(found.text).toContain(says)
      expect(found.text).not.toContain('guest:guest')
    }
  })

  testUnless(missing, 'the-command-line-and-doctor-show-no-password', async () => {
    const address = await createUser({ configure: '' })
    const wrong = changed(address, { username: 'nobody' })
    for (const [broker, args] of [
      [address, ['doctor']],
      [wrong, ['doctor', '--json']],
      [wrong, ['topics', 'list']],
    ] as const) {
      const { stdout, stderr } = await runProcess('src/cli/main.ts', { args: ['--broker', broker, ...args] })
      expect(stdout + stderr).not.toBe('')
      expect(stdout + stderr).not.toMatch(/S3cret/)
      expect(stdout + stderr).not.toContain(encodeURIComponent(SECRET))
    }
  })
})
