import { describe, expect } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { silentLog } from '../../src/core/log.ts'
import { settledWithin } from '../../src/core/wait.ts'
import { openBroker } from '../../src/open-broker.ts'
import { createTopicRegistry } from '../../src/registry/topic-registry.ts'
import { createSchemaLog } from '../../src/registry/schema-log.ts'
import { openSchemaServer } from '../../src/registry/server.ts'
import { kafka } from '../conformance/brokers/kafka.ts'
import { rabbitmq } from '../conformance/brokers/rabbitmq.ts'
import { backendMissing } from '../conformance/skips.ts'
import { eventually } from '../kit/eventually.ts'
import { testUnless } from '../kit/skip.ts'
import { recordOf } from './schemas.ts'

for (const backend of [kafka, rabbitmq]) {
  describe(`a server whose ${backend.name} is cut off`, () => {
    const reason = backendMissing(backend, process.env)?.reason
    testUnless(reason, 'says-so-and-goes-on-when-it-is-back', async () => {
      const way = await backend.hooks.interrupt?.(backend.createUrl())
      if (way === undefined) throw new Error('this broker cannot be cut off')
      const broker = await openBroker(way.url)
      // The registry alone: the broker's note is another matter, and read once.
      const registry = createTopicRegistry(createSchemaLog(broker.backend, broker.clock))
      const server = await openSchemaServer({ registry, log: silentLog, host: '127.0.0.1', port: 0 })
      const subject = `outage-${randomBytes(5).toString('hex')}`
      const ask = async (path: string, schema?: string) => {
        const headers = { 'content-type': 'application/json' }
        const post = schema === undefined ? {} : { method: 'POST', headers, body: JSON.stringify({ schema }) }
        const response = await fetch(`${server.url}${path}`, post)
        return [response.status, await response.json()]
      }
      const versions = `/subjects/${subject}/versions`
      try {
        expect((await ask(versions, recordOf('a')))[0]).toBe(200)
        way.set('deaf')
        const cut = setInterval(() => way.cut(), 200)
        const during = Promise.all([ask(versions), ask(versions, recordOf('a', 'b='))])
        const answered = await settledWithin(broker.clock, 5_000, during)
        clearInterval(cut)
        // It may hold on for as long as its driver tries, but never say what it does not know.
        if (answered) expect((await during).map(([status]) => status)).toEqual([500, 500])
        way.set('pass')
        way.cut()
        await during
        await eventually(async () => (await ask(versions, recordOf('a', 'b=')))[0] === 200, {
          what: 'a registration goes through again',
          timeoutMs: 60_000,
        })
        expect(await ask(versions)).toEqual([200, [1, 2]])
      } finally {
        await server.close()
        await broker.close()
        await way.close()
      }
    })
  })
}
