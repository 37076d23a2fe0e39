import { expect, test } from '@jest/globals'
import { creationCommand } from '../../../../src/backends/rabbitmq/creation-command.ts'

const SPEC = { name: 'shop.orders', partitions: 3, compact: false, retentionMs: null, retentionBytes: null }

test('the-command-that-makes-a-topic-names-the-virtual-host-for-a-shell', () => {
  expect(creationCommand('/', SPEC)).toBe('rabbitmq-streams add_super_stream shop.orders --partitions 3')
  expect(creationCommand('shop', SPEC)).toContain('--partitions 3 --vhost shop')
  expect(creationCommand("it's ours", SPEC)).toContain(`--vhost 'it'\\''s ours'`)
})

test('what-retention-takes-is-said-to-drawbridge-which-writes-it-down', () => {
  expect(creationCommand('/', { ...SPEC, retentionMs: 60_000 })).toBe(
    'drawbridge topics create shop.orders --schema FILE --partitions 3 --retention-ms 60000',
  )
})
