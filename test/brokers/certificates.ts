import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from './tools.ts'

const DAYS = '30'
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
/** Names a server's certificate bears. */
export const SERVER_NAMES = 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:broker.test'
/** What a client's certificate says of its holder. */
export const CLIENT_SUBJECT = 'CN=drawbridge-client'

/**
 * A certificate authority for tests and what it signs, made anew into the folder: `ca.pem`, `server.pem` and
 * `server.key`, `client.pem` and `client.key` (PKCS 8), and `server-both.pem` with key and certificate in one file.
 */
export async function makeCertificates(folder: string, log: string): Promise<void> {
  const at = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => runTool('openssl', args, log)
  const own = ['-keyout', at('ca.key'), '-out', at('ca.pem')]
  await openssl('req', '-x509', ...NEW_KEY, ...own, '-days', DAYS, '-subj', '/CN=drawbridge-test-ca')
  for (const [name, subject, extension] of [
    ['server', 'CN=drawbridge-server', SERVER_NAMES],
    ['client', CLIENT_SUBJECT, 'extendedKeyUsage=clientAuth'],
  ] as const) {
    const [request, extensions] = [at(`${name}.csr`), at(`${name}.ext`)]
    await writeFile(extensions, `${extension}\n`)
    await openssl('req', ...NEW_KEY, '-keyout', at(`${name}.key`), '-out', request, '-subj', `/${subject}`)
    const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
    const out = ['-extfile', extensions, '-out', at(`${name}.pem`)]
    await openssl('x509', '-req', '-in', request, ...signer, '-days', DAYS, ...out)
  }
  await runTool('sh', ['-c', 'cat "$0" "$1" > "$2"', at('server.key'), at('server.pem'), at('server-both.pem')], log)
}
