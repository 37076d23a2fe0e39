import { afterAll, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TlsOptions } from 'node:tls'
import { readTlsFiles, tlsAdvice } from '../../../src/backends/tls-files.ts'
import { errorText } from '../../../src/core/errors.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { makeTestCa } from '../../kit/test-ca.ts'

const folder = tempDir()
const own = makeTestCa(folder)
const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers.splice(0)) close()
})

async function listening(options: TlsOptions | undefined): Promise<number> {
  const server =
    options === undefined
      ? createTcpServer((socket) => socket.end('plain'))
      : createServer(options, (socket) => socket.end('hello')).on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** What a client of the options meets. */
async function meet(port: number, options: object): Promise<unknown> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  return new Promise((resolve) => {
    socket.on('error', resolve)
    socket.on('data', (bytes) => resolve(String(bytes)))
  })
}

describe('TLS files of a broker URL', () => {
  it('a-named-authority-is-trusted-and-a-named-certificate-shown', async () => {
    const { cert, key, ca } = await readTlsFiles({ ca: own.ca, ...own.server })
    const port = await listening({ cert: cert as Buffer, key: key as Buffer, ca: ca as Buffer, requestCert: true })
    expect(await meet(port, await readTlsFiles({ ca: own.ca, ...own.client }))).toBe('hello')
  })

  it('what-is-wrong-with-the-other-side-is-told-with-what-mends-it', async () => {
    const { cert, key, ca } = (await readTlsFiles({ ca: own.ca, ...own.server })) as Record<string, Buffer>
    const advice = async (server: TlsOptions | undefined, client: object) =>
      tlsAdvice(await meet(await listening(server), client))
    expect(await advice({ cert, key }, {})).toContain('ca=FILE')
    expect(await advice({ cert, key }, { ca, servername: 'elsewhere.example' })).toContain('servername=')
    expect(await advice({ cert, key, ca, requestCert: true }, { ca })).toContain('cert=FILE')
    expect(await advice(undefined, { ca })).toContain('does not speak TLS')
    expect(tlsAdvice(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBeUndefined()
  })

  it('files-that-cannot-be-used-are-named-and-nothing-of-them-is-shown', async () => {
    const text = join(folder, 'text.pem')
    const broken = join(folder, 'broken.pem')
    await writeFile(text, 'the-secret')
    await writeFile(broken, '-----BEGIN PRIVATE KEY-----\nthe-secret\n-----END PRIVATE KEY-----\n')
    const wrong = [
      { files: { ca: join(folder, 'none.pem') }, says: 'ENOENT' },
      { files: { ca: text }, says: text },
      { files: { cert: own.client.cert, key: broken }, says: broken },
      { files: { cert: own.client.cert, key: own.server.key }, says: own.server.key },
      { files: { cert: own.client.cert }, says: 'both cert and key' },
    ]
    for (const { files, says } of wrong) {
      const error: unknown = await readTlsFiles(files).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ERR_CONFIG' })
      expect(errorText(error)).toContain(says)
      expect(errorText(error)).not.toContain('the-secret')
    }
  })
})
