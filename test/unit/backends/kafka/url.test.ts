import { expect, test } from '@jest/globals'
import { parseKafkaUrl } from '../../../../src/backends/kafka/url.ts'

test('a-url-names-hosts-and-login', () => {
  expect(parseKafkaUrl('kafka://one:1,two,[::1]:3')).toEqual({
    seeds: [
      { host: 'one', port: 1 },
      { host: 'two', port: 9092 },
      { host: '::1', port: 3 },
    ],
    tls: false,
    login: undefined,
    options: {},
  })
  expect(parseKafkaUrl('kafka+ssl://me:p%40ss@one:1')).toMatchObject({
    tls: true,
    login: { user: 'me', password: 'p@ss' },
  })
  expect(parseKafkaUrl('kafka+ssl://one:1/?ca=%2Fetc%2Fmy%20ca.pem&mechanism=PLAIN')).toMatchObject({
    options: { ca: '/etc/my ca.pem', mechanism: 'PLAIN' },
  })
})

test.each([
  'kafka://',
  'kafka:one:1',
  'kafka://one:0',
  'kafka://one:70000',
  'kafka://one:1,,two:2',
  'kafka://one:1?acks=1',
  'kafka://one:1?ca',
  'kafka://one:1?ca=a&ca=b',
  'kafka://one:1#s3cret',
  'kafka+ssl://me@one:1',
  'kafka+ssl://me:s3cret%zz@one:1',
  'kafka+ssl://me:s3cret/x@one:1',
])('a-bad-url-is-refused-and-its-secret-kept: %s', (url) => {
  let refusal: unknown
  try {
    parseKafkaUrl(url)
  } catch (error) {
    refusal = error
  }
  expect(refusal).toMatchObject({ code: 'ERR_CONFIG' })
  expect((refusal as Error).message).not.toContain('s3cret')
})
