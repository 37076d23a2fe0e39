import { describe, expect, it } from '@jest/globals'
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

  it('treats __proto__ as a subject like any other', () => {
    const table = createSchemaTable()
    table.apply(entry(1, '__proto__', 1, '"int"'))
    expect(table.versions('__proto__')).toHaveLength(1)
    expect(table.versions('toString')).toEqual([])
  })
})
