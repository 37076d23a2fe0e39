import { describe, expect, it } from '@jest/globals'
import { checkCompatibility } from '../../../src/avro/compatibility.ts'
import { parseSchema } from '../../../src/avro/parse-schema.ts'
import { parseReferences, type ReferringSchema, writeOut } from '../../../src/registry/schema-references.ts'

const record = (name: string, fields: Readonly<Record<string, unknown>>, more: object = {}) => ({
  type: 'record',
  name,
  ...more,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
})
const reference = (subject: string) => ({ name: subject, subject, version: 1 })

/** By subject: a schema and the subjects that it refers to. */
type Subjects = Readonly<Record<string, readonly [schema: unknown, ...refersTo: readonly string[]]>>

async function whole(subjects: Subjects, root = 'root'): Promise<unknown> {
  const look = (subject: string): ReferringSchema | null => {
    const [schema, ...refersTo] = subjects[subject] ?? []
    return schema === undefined ? null : { schema: JSON.stringify(schema), references: refersTo.map(reference) }
  }
  const schema = look(root)
  if (schema === null) throw new Error(`no ${root}`)
  return JSON.parse(await writeOut(schema, async ({ subject }) => look(subject)))
}

/** Parses, and is the same type as the one written by hand: each reads what the other writes. */
function expectSame(schema: unknown, byHand: unknown): void {
  parseSchema(schema)
  expect(checkCompatibility(schema, byHand)).toEqual([])
  expect(checkCompatibility(byHand, schema)).toEqual([])
}

describe('schema-references', () => {
  it('leaves a schema without references as it is, to the letter', async () => {
    const text = '{ "type" : "int" }'
    expect(await writeOut({ schema: text, references: [] }, async () => null)).toBe(text)
  })

  it('writes a type out once, where it is used first, and refers to it afterwards', async () => {
    const address = record('Address', { street: 'string' }, { namespace: 'geo' })
    const fields = {
      home: 'geo.Address',
      work: ['null', 'geo.Address'],
      others: { type: 'array', items: 'geo.Address' },
    }
    const schema = await whole({
      root: [record('Person', fields, { namespace: 'crm' }), 'address'],
      address: [address],
    })
    const byHand = record('Person', { ...fields, home: address }, { namespace: 'crm' })
    expect(schema).toEqual({ ...byHand, namespace: 'crm' })
  })

  it('follows references of references, whatever their order, and names without a namespace of their own', async () => {
    const subjects: Subjects = {
      root: [record('Root', { a: 'A', m: { type: 'map', values: 'B' } }, { namespace: 'n' }), 'b', 'a'],
      a: [record('n.A', { b: 'B', size: { type: 'fixed', name: 'F', size: 4 } }), 'b'],
      b: [record('B', { kind: { type: 'enum', name: 'K', symbols: ['X', 'Y'] } }, { namespace: 'n' })],
    }
    const b = record('n.B', { kind: { type: 'enum', name: 'K', symbols: ['X', 'Y'] } })
    const a = record('n.A', { b, size: { type: 'fixed', name: 'F', size: 4 } })
    expectSame(await whole(subjects), record('n.Root', { a, m: { type: 'map', values: 'n.B' } }))
  })

  it('finds a type that stands within a schema that is referred to', async () => {
    const outer = record('x.Outer', { inner: record('Inner', { n: 'int' }) })
    const schema = await whole({ root: [record('Root', { i: 'x.Inner', o: 'x.Outer' }), 'outer'], outer: [outer] })
    const inner = record('x.Inner', { n: 'int' })
    expectSame(schema, record('Root', { i: inner, o: record('x.Outer', { inner: 'x.Inner' }) }))
  })

  it('keeps defaults, docs, aliases and logical types', async () => {
    const money = {
      type: 'fixed',
      name: 'Money',
      namespace: 'm',
      size: 8,
      logicalType: 'decimal',
      precision: 18,
      scale: 2,
    }
    const root = {
      ...record('Root', {}),
      fields: [
        { name: 'price', type: 'm.Money', doc: 'in euro', aliases: ['cost'] },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 0 },
      ],
    }
    expect(await whole({ root: [root, 'money'], money: [money] })).toEqual({
      ...root,
      namespace: '',
      fields: [{ ...root.fields[0], type: money }, root.fields[1]],
    })
  })

  it('says what is missing, and ends with a circle', async () => {
    const missing = whole({ root: [record('Root', { a: 'A' }), 'nowhere'] })
    await expect(missing).rejects.toMatchObject({
      code: 'ERR_SCHEMA_UNKNOWN',
      message: expect.stringContaining('subject nowhere version 1'),
    })
    const circle: Subjects = {
      root: [record('Root', { a: 'A' }), 'a'],
      a: [record('A', { b: ['null', 'B'] }), 'b'],
      b: [record('B', { a: ['null', 'A'] }), 'a'],
    }
    expectSame(
      await whole(circle),
      record('Root', { a: record('A', { b: ['null', record('B', { a: ['null', 'A'] })] }) }),
    )
    const endless = { schema: '"int"', references: [reference('0')] }
    const next = async ({ subject }: { subject: string }) => ({
      schema: '"int"',
      references: [reference(String(Number(subject) + 1))],
    })
    await expect(writeOut(endless, next)).rejects.toMatchObject({ code: 'ERR_SCHEMA_UNKNOWN' })
  })

  it('takes a list of references alone for one', () => {
    expect(parseReferences(undefined)).toEqual([])
    expect(parseReferences([reference('a')])).toEqual([reference('a')])
    for (const value of ['a', {}, [null], [{ name: 'a', subject: 'a' }], [{ ...reference('a'), version: 0 }]])
      expect(parseReferences(value)).toBeNull()
  })
})
