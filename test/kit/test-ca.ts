import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** PEM files of an authority that exists for tests alone, and of what it has signed. */
export interface TestCa {
  readonly ca: string
  /** For 127.0.0.1 and localhost. */
  readonly server: { readonly cert: string; readonly key: string }
  readonly client: { readonly cert: string; readonly key: string }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']

/** Makes the authority's files in an existing folder, or finds them there. Needs the program openssl. */
export function makeTestCa(folder: string): TestCa {
  const path = (name: string) => join(folder, name)
  const pair = (name: string) => ({ cert: path(`${name}.pem`), key: path(`${name}.key`) })
  const made = { ca: path('ca.pem'), server: pair('server'), client: pair('client') }
  if (existsSync(made.client.cert)) return made
  const request = (name: string, subject: string, ...more: readonly string[]) => {
    const { cert, key } = pair(name)
    const args = ['req', '-x509', ...KEY, '-subj', `/CN=${subject}`, '-keyout', key, '-out', cert, ...more]
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const signed = ['-CA', made.ca, '-CAkey', path('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE']
  request('ca', 'drawbridge test authority')
  request('server', 'localhost', ...signed, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  request('client', 'drawbridge test client', ...signed)
  return made
}
