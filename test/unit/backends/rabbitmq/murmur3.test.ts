import { expect, it } from '@jest/globals'
import { murmur3, murmur3Partition } from '../../../../src/backends/rabbitmq/murmur3.ts'

it('hashes-as-rabbitmqs-stream-clients-do', () => {
  const vectors = { hello: 1_321_743_225, 'order-42': 556_465_915, clé: 503_540_927 }
  for (const [key, hash] of Object.entries(vectors)) {
    expect(murmur3(Buffer.from(key))).toBe(hash)
    expect(murmur3Partition(Buffer.from(key), 7)).toBe(hash % 7)
  }
})
