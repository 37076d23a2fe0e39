import { describe, expect, it } from '@jest/globals'
import type { Statement } from '../../../src/registry/schema-statement.ts'
import { createSchemaTable } from '../../../src/registry/schema-table.ts'

const entry = (id: number, subject: string, version: number, schema: string) =>
  Buffer.from(JSON.stringify({ id, subject, version, schema }))

describe('schema-table', () => {
  it('voids a taken id and a version that is not the next', () => {
    const table = createSchemaTable()
    table.apply(entry(1, 's-value', 1, '"int"'))
    table.apply(entry(1, 's-value', 2, '"long"'))
    table.apply(entry(2, 's-value', 3, '"long"'))
    table.apply(entry(2, 's-value', 1, '"long"'))
    expect(table.versions('s-value')).toEqual([{ id: 1, subject: 's-value', version: 1, schema: '"int"' }])
    expect(table.byId(2)).toBeUndefined()
    expect(table.nextId()).toBe(2)
  })

  it('lets subjects share the id of one schema', () => {
    const table = createSchemaTable()
    table.apply(entry(7, 'a-value', 1, '"int"'))
    table.apply(entry(7, 'b-value', 1, '"int"'))
    expect(table.find('b-value', '"int"')?.id).toBe(7)
    expect(table.idOf('"int"')).toBe(7)
    expect(table.subjects()).toEqual(['a-value', 'b-value'])
  })

  it('passes over bytes that state nothing', () => {
    const table = createSchemaTable()
    for (const bytes of [
      null,
      Buffer.alloc(0),
      Buffer.from('{'),
      Buffer.from('null'),
      Buffer.from('[]'),
      entry(0, 's', 1, '"int"'),
    ])
      table.apply(bytes)
    expect(table.subjects()).toEqual([])
  })

  it('counts deleted versions, so that a reader that knows no deletions numbers alike', () => {
    const table = createSchemaTable()
    const hide = (versions: readonly unknown[], permanent: boolean) =>
      table.apply(Buffer.from(JSON.stringify({ kind: 'deleted', subject: 's', versions, permanent })))
    table.apply(entry(1, 's', 1, '"int"'))
    table.apply(entry(2, 's', 2, '"long"'))
    hide([1, 2, 9], true)
    expect(table.versions('s')).toHaveLength(2)
    hide([1], false)
    expect(table.find('s', '"int"')).toBeNull()
    expect(table.find('s', '"int"', { deleted: true })?.version).toBe(1)
    hide([1, 'x'], true)
    expect(table.visibility('s', 1)).toBe('soft')
    hide([1], true)
    expect([table.visibility('s', 1), table.visibility('s', 2), table.visibility('s', 3)]).toEqual([
      'gone',
      'seen',
      null,
    ])
    expect(table.byId(1)).toBe('"int"')
    expect(table.nextVersion('s')).toBe(3)
    table.apply(entry(1, 's', 3, '"int"'))
    expect(table.versions('s', { deleted: true }).map(({ version }) => version)).toEqual([2, 3])
    expect(table.usesOf(1)).toEqual([{ subject: 's', version: 3 }])
  })

  it('states everything but registrations without id and schema, which the first readers of the log pass over', () => {
    const table = createSchemaTable()
    const statements = [
      { kind: 'deleted', subject: 's', versions: [1], permanent: false },
      { kind: 'level', subject: null, level: 'FULL' },
      { kind: 'mode', subject: 's', mode: 'READONLY' },
      { kind: 'registry', registry: ['http://r'], number: 1 },
    ] as const satisfies readonly Statement[]
    for (const statement of statements) {
      table.apply(Buffer.from(JSON.stringify(statement)))
      expect(Object.keys(statement)).not.toEqual(expect.arrayContaining(['id']))
      expect(Object.keys(statement)).not.toEqual(expect.arrayContaining(['schema']))
    }
    expect([table.level(null), table.level('s'), table.mode('s'), table.mode(null)]).toEqual([
      'FULL',
      null,
      'READONLY',
      null,
    ])
    expect(table.bound()).toMatchObject({ registry: ['http://r'], number: 1 })
    expect(table.subjects({ deleted: true })).toEqual([])
  })

  it('voids a note about the registry that was written without having read the last one', () => {
    const table = createSchemaTable()
    const note = (registry: unknown, number: number) =>
      table.apply(Buffer.from(JSON.stringify({ kind: 'registry', registry, number })))
    note('topic', 1)
    note(['http://r'], 1)
    note(['http://r'], 3)
    note([], 2)
    expect(table.bound().registry).toBe('topic')
    note(['http://r'], 2)
    expect(table.bound().registry).toEqual(['http://r'])
  })

  it('passes over a level or a mode that does not exist', () => {
    const table = createSchemaTable()
    for (const json of [
      { kind: 'level', subject: null, level: 'SIDEWAYS' },
      { kind: 'mode', subject: 7, mode: 'READONLY' },
    ])
      table.apply(Buffer.from(JSON.stringify(json)))
    expect([table.level(null), table.mode(null)]).toEqual([null, null])
  })

  it('treats __proto__ as a subject like any other', () => {
    const table = createSchemaTable()
    table.apply(entry(1, '__proto__', 1, '"int"'))
    expect(table.versions('__proto__')).toHaveLength(1)
    expect(table.versions('toString')).toEqual([])
  })
})
