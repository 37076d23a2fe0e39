import { afterAll, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { checkCompatibility } from '../../src/avro/compatibility.ts'
import { openBroker } from '../../src/open-broker.ts'
import { testUnless } from '../kit/skip.ts'
import { tempDir } from '../kit/temp-dir.ts'
import { apicurio, clientOf, serve } from './registries.ts'

const ends: AsyncDisposable[] = []
afterAll(async () => {
  for (const each of ends.splice(0)) await each[Symbol.asyncDispose]()
})

/** Registers as other clients do that know references, and reads as ours does. */
async function tryReferences(url: string): Promise<void> {
  const mark = randomBytes(5).toString('hex')
  const [space, address, person] = [`ref${mark}`, `address-${mark}`, `person-${mark}`]
  const fields = (...list: readonly (readonly [string, unknown])[]) => list.map(([name, type]) => ({ name, type }))
  const inner = { type: 'record', name: 'Address', namespace: space, fields: fields(['street', 'string']) }
  const outer = (type: unknown) => ({
    type: 'record',
    name: 'Person',
    namespace: space,
    fields: fields(['home', type]),
  })
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const json = (await response.json()) as Record<string, unknown>
    expect([response.status, json]).toEqual([200, json])
    return json
  }
  await post(`/subjects/${address}/versions`, { schema: JSON.stringify(inner) })
  const references = [{ name: `${space}.Address`, subject: address, version: 1 }]
  const body = { schema: JSON.stringify(outer('Address')), references }
  const { id } = await post(`/subjects/${person}/versions`, body)
  expect((await post(`/subjects/${person}`, body)).id).toBe(id)

  const registry = clientOf(url)
  try {
    const latest = await registry.latest(person)
    for (const text of [await registry.schemaById(Number(id)), latest?.schema]) {
      expect(checkCompatibility(text, outer(inner))).toEqual([])
      expect(checkCompatibility(outer(inner), text)).toEqual([])
    }
  } finally {
    await registry.close()
  }
}

test('a-schema-that-refers-to-others-is-kept-whole-by-our-server', async () => {
  const broker = await openBroker(`embedded:${tempDir()}`)
  const server = await serve(broker)
  ends.push(server, broker)
  await tryReferences(server.url)
})

testUnless(apicurio().missing, 'a-schema-that-refers-to-others-is-read-whole-from-apicurio', () =>
  tryReferences(process.env['REGISTRY_URL'] ?? ''),
)
