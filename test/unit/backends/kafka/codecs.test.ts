import { expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../../../src/backends/open.ts'
import { CODECS } from '../../../../src/backends/kafka/compression.ts'
import { silentLog } from '../../../../src/core/log.ts'
import { requiredBackends } from '../../../conformance/skips.ts'
import { joinGroup } from '../../../kit/group-member.ts'
import { eventually } from '../../../kit/eventually.ts'
import { testUnless } from '../../../kit/skip.ts'

const url = process.env['KAFKA_URL'] ?? ''
const missing = url === '' && !requiredBackends(process.env).includes('kafka') ? 'KAFKA_URL is not set' : undefined

/** Kafka unpacks what it is sent, so that it stores nothing it could not read. */
for (const codec of CODECS) {
  testUnless(missing, `kafka-takes-and-gives-back-what-is-sent-by-${codec}`, async () => {
    const backend = await openBackend(`${url}?compression=${codec}`, { log: silentLog })
    try {
      const topic = `codec-${codec}-${randomBytes(4).toString('hex')}`
      await backend.createTopic({ name: topic, partitions: 1, compact: false, retentionMs: null, retentionBytes: null })
      const values = Array.from({ length: 300 }, (_, index) => `${index} ${'the same again '.repeat(100)}`)
      const incompressible = randomBytes(1_000_000).toString('latin1')
      for (const some of [values.slice(0, 1), values.slice(1), [incompressible]]) {
        await backend.append(
          topic,
          0,
          some.map((value) => ({ key: null, value: Buffer.from(value, 'latin1'), headers: [], timestamp: 1 })),
        )
      }
      const member = await joinGroup(backend, { group: topic, topic })
      await eventually(() => member.records.length === values.length + 1, { what: 'all records' })
      expect(member.records.map(({ value }) => value?.toString('latin1'))).toEqual([...values, incompressible])
    } finally {
      await backend.close()
    }
  })
}
