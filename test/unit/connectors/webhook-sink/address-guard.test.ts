import { expect, test } from '@jest/globals'
import {
  createGuardedConnector,
  guardedLookup,
  isPublicAddress,
  publicOnly,
} from '../../../../connectors/webhook-sink/address-guard.ts'

test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '168.63.129.16',
  '::1',
  '::',
  'fc00::1',
  'fe80::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:168.63.129.16',
  '::127.0.0.1',
  '::8.8.8.8',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:db8::1',
  'localhost',
  '',
])('%s is not', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

test('private answers of the resolver are left out, public ones are kept', () => {
  const [a, b] = [
    { address: '127.0.0.1', family: 4 },
    { address: '8.8.8.8', family: 4 },
  ]
  expect(publicOnly([a, b] as never)).toEqual([b])
})

test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', 'localhost'])(
  'a connection to %s is refused before it is opened',
  async (hostname) => {
    const connect = createGuardedConnector({ timeoutMs: 1_000 })
    const error = await new Promise<Error | null>((resolve) => {
      connect({ hostname, protocol: 'http:', port: '1' }, (...[failure]: [Error, null] | [null, unknown]) =>
        resolve(failure),
      )
    })
    expect(error).toMatchObject({ code: 'ERR_ENDPOINT_GONE', verdict: 'stop' })
    expect(error?.message).toMatch(
      /not an address of the public internet; if it is meant, set allowPrivate: true, else correct the url/,
    )
    expect(error?.message).toContain(hostname.replace(/[[\]]/g, ''))
  },
)

test('a lookup of a private name yields no address in either form of the call', async () => {
  for (const all of [true, false]) {
    const error = await new Promise<Error | null>((resolve) =>
      guardedLookup('localhost', { all }, (failure) => resolve(failure)),
    )
    expect(error).toMatchObject({ code: 'ERR_ENDPOINT_GONE' })
  }
})
