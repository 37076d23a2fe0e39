import { afterAll, afterEach, expect } from '@jest/globals'
import { canonicalSchema, COMPATIBILITY_LEVELS } from '../../src/avro/compatibility.ts'
import { EVOLUTIONS, recordOf } from './schemas.ts'
import { apicurio, inTopic, served, servedOn } from './registries.ts'
import { onEveryRegistry } from './under-test.ts'

const REGISTRIES = [inTopic(), served('embedded', undefined), servedOn('kafka'), servedOn('rabbitmq'), apicurio()]
const UNKNOWN_ID = 2_147_483_646

onEveryRegistry(REGISTRIES, { afterEach, afterAll }, ({ it, connect, subject }) => {
  it('a-schema-is-registered-once-and-found-in-every-way', async () => {
    const [registry, name, schema] = [await connect(), subject(), recordOf('a')]
    const registered = await registry.register(name, schema)
    expect(registered).toMatchObject({ subject: name, version: 1 })
    expect(await registry.register(name, JSON.stringify(JSON.parse(schema), null, 2))).toEqual(registered)
    expect(canonicalSchema(await registry.schemaById(registered.id))).toBe(schema)
    for (const found of [
      await registry.find(name, schema),
      await registry.latest(name),
      await registry.version(name, 1),
    ])
      expect({ ...found, schema: canonicalSchema(found?.schema) }).toEqual({ ...registered, schema })
    expect(await registry.versions(name)).toEqual([1])
    expect(await registry.subjects()).toContain(name)
    expect(await registry.usesOf(registered.id)).toContainEqual({ subject: name, version: 1 })
  })

  it('versions-follow-one-another', async () => {
    const [registry, name] = [await connect(), subject()]
    const first = await registry.register(name, recordOf('a'))
    const second = await registry.register(name, recordOf('a', 'b='))
    expect([first.version, second.version]).toEqual([1, 2])
    expect(second.id).not.toBe(first.id)
    expect(await registry.versions(name)).toEqual([1, 2])
    expect((await registry.version(name, 1))?.id).toBe(first.id)
    expect((await registry.latest(name))?.id).toBe(second.id)
    expect(await registry.register(name, recordOf('a'))).toMatchObject({ id: first.id, version: 1 })
  })

  it('subjects-share-the-id-of-one-schema', async () => {
    const [registry, one, other, schema] = [await connect(), subject(), subject(), recordOf(`a${Date.now()}`)]
    const { id } = await registry.register(one, schema)
    expect((await registry.register(other, schema)).id).toBe(id)
    expect((await registry.usesOf(id)).map((use) => use.subject)).toEqual([one, other].toSorted())
  })

  it('what-is-not-there-is-null-and-an-id-unknown', async () => {
    const [registry, name] = [await connect(), subject()]
    expect(await registry.latest(name)).toBeNull()
    expect(await registry.version(name, 1)).toBeNull()
    expect(await registry.versions(name)).toEqual([])
    expect(await registry.find(name, recordOf('a'))).toBeNull()
    expect(await registry.level(name)).toBeNull()
    for (const id of [UNKNOWN_ID, 0, 2 ** 32 - 1])
      await expect(registry.schemaById(id)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
    await expect(registry.usesOf(UNKNOWN_ID)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
    await registry.register(name, recordOf('a'))
    expect(await registry.version(name, 2)).toBeNull()
    expect(await registry.find(name, recordOf('b'))).toBeNull()
  })

  it('what-cannot-be-there-cannot-be-deleted', async () => {
    const [registry, name] = [await connect(), subject()]
    await expect(registry.deleteSubject(name)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
    await registry.register(name, recordOf('a'))
    await expect(registry.deleteVersion(name, 2)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
  })

  it('no-invalid-schema-is-registered', async () => {
    const [registry, name] = [await connect(), subject()]
    for (const schema of [
      'nonsense',
      '{"type":"record"}',
      '{"type":"record","name":"R","fields":[{"name":"a","type":"what"}]}',
    ])
      await expect(registry.register(name, schema)).rejects.toMatchObject({ code: 'ERR_SCHEMA_INVALID' })
    expect(await registry.versions(name)).toEqual([])
  })

  it('an-incompatible-schema-is-refused-and-nothing-is-registered', async () => {
    const [registry, name] = [await connect(), subject()]
    await registry.register(name, recordOf('a'))
    expect(await registry.check(name, recordOf('a', 'b'))).not.toEqual([])
    await expect(registry.register(name, recordOf('a', 'b'))).rejects.toMatchObject({ code: 'ERR_SCHEMA_INCOMPATIBLE' })
    expect(await registry.versions(name)).toEqual([1])
  })

  for (const { what, versions, allowedBy } of EVOLUTIONS) {
    it(`each-level-judges: ${what}`, async () => {
      const registry = await connect()
      for (const level of COMPATIBILITY_LEVELS) {
        const name = subject()
        await registry.setLevel(name, 'NONE')
        for (const fields of versions.slice(0, -1)) await registry.register(name, recordOf(...fields))
        await registry.setLevel(name, level)
        const next = recordOf(...(versions.at(-1) ?? []))
        const allowed = allowedBy.includes(level)
        const registering = registry.register(name, next).then(
          ({ version }) => version,
          (error: { code: string }) => error.code,
        )
        expect([level, await registering]).toEqual([level, allowed ? versions.length : 'ERR_SCHEMA_INCOMPATIBLE'])
      }
    })

    it(`a-check-foretells-what-each-level-allows: ${what}`, async () => {
      const registry = await connect()
      const name = subject()
      await registry.setLevel(name, 'NONE')
      for (const fields of versions.slice(0, -1)) await registry.register(name, recordOf(...fields))
      for (const level of COMPATIBILITY_LEVELS) {
        await registry.setLevel(name, level)
        const differences = await registry.check(name, recordOf(...(versions.at(-1) ?? [])))
        expect([level, differences.length === 0]).toEqual([level, allowedBy.includes(level)])
      }
    })
  }

  it('a-schema-is-checked-against-one-version', async () => {
    const [registry, name] = [await connect(), subject()]
    expect(await registry.check(name, recordOf('a'), 'latest')).toEqual([])
    expect(await registry.check(name, recordOf('a'))).toEqual([])
    await registry.setLevel(name, 'BACKWARD_TRANSITIVE')
    await registry.register(name, recordOf('a'))
    await registry.register(name, recordOf('a', 'b='))
    expect(await registry.check(name, recordOf('a', 'b'), 'latest')).toEqual([])
    expect(await registry.check(name, recordOf('a', 'b'), 1)).not.toEqual([])
    expect(await registry.check(name, recordOf('a', 'b'))).not.toEqual([])
    await expect(registry.check(name, recordOf('a'), 7)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
  })

  it('the-level-of-a-subject-comes-and-goes', async () => {
    const [registry, name] = [await connect(), subject()]
    await registry.register(name, recordOf('a'))
    expect(await registry.level(null)).toBe('BACKWARD')
    expect(await registry.level(name)).toBeNull()
    await registry.setLevel(name, 'FULL')
    expect(await registry.level(name)).toBe('FULL')
    await registry.setLevel(name, null)
    expect(await registry.level(name)).toBeNull()
    await registry.setLevel(name, null)
    await expect(registry.register(name, recordOf('a', 'b'))).rejects.toMatchObject({ code: 'ERR_SCHEMA_INCOMPATIBLE' })
  })

  it(
    'the-level-of-the-registry-holds-where-a-subject-has-none',
    async () => {
      const [registry, other, free, own] = [await connect(), await connect(), subject(), subject()]
      for (const name of [free, own]) await registry.register(name, recordOf('a'))
      await registry.setLevel(own, 'BACKWARD')
      await registry.setLevel(null, 'FORWARD')
      expect(await other.level(null)).toBe('FORWARD')
      expect((await other.register(free, recordOf('a', 'b'))).version).toBe(2)
      await expect(other.register(own, recordOf('a', 'b'))).rejects.toMatchObject({ code: 'ERR_SCHEMA_INCOMPATIBLE' })
      await registry.setLevel(null, null)
      expect(await other.level(null)).toBe('BACKWARD')
    },
    'private',
  )

  it('a-read-only-subject-takes-nothing', async () => {
    const [registry, name] = [await connect(), subject()]
    await registry.register(name, recordOf('a'))
    expect(await registry.mode(null)).toBe('READWRITE')
    expect(await registry.mode(name)).toBeNull()
    await registry.setMode(name, 'READONLY')
    expect(await registry.mode(name)).toBe('READONLY')
    await expect(registry.register(name, recordOf('a', 'b='))).rejects.toMatchObject({ code: 'ERR_REGISTRY_READ_ONLY' })
    await expect(registry.deleteSubject(name)).rejects.toMatchObject({ code: 'ERR_REGISTRY_READ_ONLY' })
    expect((await registry.register(name, recordOf('a'))).version).toBe(1)
    await registry.setMode(name, null)
    expect((await registry.register(name, recordOf('a', 'b='))).version).toBe(2)
  })

  it(
    'a-read-only-registry-takes-nothing',
    async () => {
      const [registry, other, name] = [await connect(), await connect(), subject()]
      await registry.setMode(null, 'READONLY')
      await expect(other.register(name, recordOf('a'))).rejects.toMatchObject({ code: 'ERR_REGISTRY_READ_ONLY' })
      await expect(other.setLevel(null, 'NONE')).rejects.toMatchObject({ code: 'ERR_REGISTRY_READ_ONLY' })
      await registry.setMode(null, 'READWRITE')
      expect((await other.register(name, recordOf('a'))).version).toBe(1)
    },
    'private',
  )

  it('a-deleted-version-is-hidden-and-its-id-stays-readable', async () => {
    const [registry, name] = [await connect(), subject()]
    const first = await registry.register(name, recordOf('a'))
    await registry.register(name, recordOf('a', 'b='))
    expect(await registry.deleteVersion(name, 1)).toBe(1)
    expect(await registry.versions(name)).toEqual([2])
    expect(await registry.version(name, 1)).toBeNull()
    expect(await registry.find(name, recordOf('a'))).toBeNull()
    expect(canonicalSchema(await (await connect()).schemaById(first.id))).toBe(recordOf('a'))
  })

  it('softly-deleted-versions-are-shown-when-asked-for', async () => {
    const [registry, name] = [await connect(), subject()]
    const { id } = await registry.register(name, recordOf('a'))
    await registry.deleteVersion(name, 1)
    const deleted = { deleted: true }
    expect(await registry.versions(name)).toEqual([])
    expect(await registry.versions(name, deleted)).toEqual([1])
    expect((await registry.version(name, 1, deleted))?.id).toBe(id)
    expect((await registry.latest(name, deleted))?.id).toBe(id)
    expect((await registry.find(name, recordOf('a'), deleted))?.id).toBe(id)
    expect(await registry.subjects()).not.toContain(name)
    expect(await registry.subjects(deleted)).toContain(name)
  })

  it('what-was-deleted-comes-again-as-the-next-version-under-its-old-id', async () => {
    const [registry, name] = [await connect(), subject()]
    const { id } = await registry.register(name, recordOf('a'))
    await registry.deleteSubject(name)
    expect(await registry.register(name, recordOf('a'))).toMatchObject({ id, version: 2 })
    expect(await registry.versions(name)).toEqual([2])
  })

  it('a-subject-is-deleted-softly-and-then-for-good', async () => {
    const [registry, name] = [await connect(), subject()]
    const { id } = await registry.register(name, recordOf('a'))
    await registry.register(name, recordOf('a', 'b='))
    await expect(registry.deleteSubject(name, { permanent: true })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await expect(registry.deleteVersion(name, 1, { permanent: true })).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    expect(await registry.deleteSubject(name)).toEqual([1, 2])
    expect(await registry.subjects()).not.toContain(name)
    await expect(registry.deleteSubject(name)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
    expect(await registry.deleteVersion(name, 1, { permanent: true })).toBe(1)
    expect(await registry.deleteSubject(name, { permanent: true })).toEqual([2])
    expect(await registry.subjects({ deleted: true })).not.toContain(name)
    expect(await registry.versions(name, { deleted: true })).toEqual([])
    expect(canonicalSchema(await registry.schemaById(id))).toBe(recordOf('a'))
  })

  it('any-text-is-a-subject', async () => {
    const registry = await connect()
    for (const part of ['a/b', 'ü 日', 'a%2Fb', '+&=?#', '..;', '__proto__', "it's (x)*!"]) {
      const name = `${part}-${subject()}`
      expect(await registry.register(name, recordOf('a'))).toMatchObject({ subject: name, version: 1 })
      expect(await registry.subjects()).toContain(name)
      expect((await registry.version(name, 1))?.subject).toBe(name)
      await registry.setLevel(name, 'NONE')
      expect(await registry.level(name)).toBe('NONE')
      expect(await registry.deleteSubject(name)).toEqual([1])
    }
  })

  it('several-who-register-at-once-agree', async () => {
    const registries = [await connect(), await connect(), await connect()]
    const [name, fields] = [subject(), ['b=', 'c=', 'd=', 'e=']]
    await Promise.all(
      registries.flatMap((registry) => fields.map((field) => registry.register(name, recordOf('a', field)))),
    )
    const seen = await Promise.all(
      registries.map(async (registry) =>
        Promise.all((await registry.versions(name)).map((version) => registry.version(name, version))),
      ),
    )
    expect(seen[0]?.map((entry) => entry?.version)).toEqual([1, 2, 3, 4])
    expect(new Set(seen[0]?.map((entry) => entry?.id)).size).toBe(4)
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]).toEqual(seen[0])
  })
})
