import { expect, test } from '@jest/globals'
import { metadataRequest, parseMetadata } from './kafka-metadata.ts'
import { isWholeFrame } from './tcp.ts'

/** Metadata version 1 after the Kafka protocol guide: length, correlation, brokers, controller, no topics. */
const REPLY = Buffer.from(
  [
    '0000003c 00000001 00000002',
    '00000001 0009 3132372e302e302e31 00004e2b ffff',
    '00000002 0009 3132372e302e302e31 00004e2c 0002 7231',
    '00000002 00000000',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)

test('the request says how long it is', () => {
  const request = metadataRequest()
  expect(request.readInt32BE(0)).toBe(request.length - 4)
  expect(request.readInt16BE(4)).toBe(3)
  expect(request.readInt16BE(6)).toBe(1)
})

test('brokers with and without a rack, and the controller, are read', () => {
  expect(parseMetadata(REPLY)).toEqual({
    brokers: [
      { id: 1, host: '127.0.0.1', port: 20_011 },
      { id: 2, host: '127.0.0.1', port: 20_012 },
    ],
    controller: 2,
  })
})

test('an answer is whole at its last byte and not before', () => {
  expect(REPLY.readUInt32BE(0)).toBe(REPLY.length - 4)
  for (let length = 0; length < REPLY.length; length++) expect(isWholeFrame(REPLY.subarray(0, length))).toBe(false)
  expect(isWholeFrame(REPLY)).toBe(true)
})
