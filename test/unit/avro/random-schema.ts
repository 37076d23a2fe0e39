import fc from 'fast-check'

/** A random schema (JSON) with a generator of its values, in the form that Drawbridge's codec takes. */
export interface Sample {
  readonly schema: unknown
  readonly values: fc.Arbitrary<unknown>
  /** What it is in JavaScript, so that a union can be told to be plain. */
  readonly kind: string
  readonly branch: string
}

const leaf = (schema: string, kind: string, values: fc.Arbitrary<unknown>): Sample => ({
  schema,
  kind,
  values,
  branch: schema,
})

const text = fc.string({ unit: 'grapheme', maxLength: 40 })

const leaves: readonly Sample[] = [
  leaf('null', 'null', fc.constant(null)),
  leaf('boolean', 'boolean', fc.boolean()),
  leaf('int', 'number', fc.integer()),
  leaf(
    'long',
    'number',
    fc.maxSafeInteger().map((n) => Math.trunc(n / 2)),
  ),
  leaf('float', 'number', fc.float().map(Math.fround)),
  leaf('double', 'number', fc.double()),
  leaf('string', 'string', text),
  leaf(
    'bytes',
    'bytes',
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  ),
]

/** Names have to be unique within a schema, so a counter hands them out. */
export function sampleArbitrary(): fc.Arbitrary<Sample> {
  let names = 0
  const name = (what: string): string => `${what}${names++}`
  const node = (depth: number): fc.Arbitrary<Sample> => {
    const simple = fc.constantFrom(...leaves)
    if (depth === 0) return simple
    const inner = fc.constant(null).chain(() => node(depth - 1))
    return fc.oneof(
      simple,
      inner.map((item) => ({
        schema: { type: 'array', items: item.schema },
        kind: 'array',
        branch: 'array',
        values: fc.array(item.values, { maxLength: 4 }),
      })),
      inner.map((item) => ({
        schema: { type: 'map', values: item.schema },
        kind: 'object',
        branch: 'map',
        values: fc.dictionary(text, item.values, { maxKeys: 4, noNullPrototype: true }),
      })),
      fc.array(inner, { maxLength: 4 }).map((items) => {
        const own = name('R')
        return {
          schema: {
            type: 'record',
            name: own,
            fields: items.map((item, index) => ({ name: `f${index}`, type: item.schema })),
          },
          kind: 'object',
          branch: own,
          values: fc.record(Object.fromEntries(items.map((item, index) => [`f${index}`, item.values])), {
            noNullPrototype: true,
          }),
        }
      }),
      fc.integer({ min: 0, max: 6 }).map((size) => {
        const own = name('F')
        return {
          schema: { type: 'fixed', name: own, size },
          kind: 'bytes',
          branch: own,
          values: fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes)),
        }
      }),
      fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}$/), { minLength: 1, maxLength: 4 }).map((symbols) => {
        const own = name('E')
        return {
          schema: { type: 'enum', name: own, symbols },
          kind: 'string',
          branch: own,
          values: fc.constantFrom(...symbols),
        }
      }),
      fc
        .uniqueArray(
          inner.filter((item) => !Array.isArray(item.schema)),
          { minLength: 1, maxLength: 4, selector: (item) => item.branch },
        )
        .map(union),
    )
  }
  return node(3)
}

function union(branches: readonly Sample[]): Sample {
  const wrapped = new Set(branches.map((branch) => branch.kind)).size < branches.length
  const values = branches.map((branch) =>
    wrapped && branch.kind !== 'null' ? branch.values.map((value) => ({ [branch.branch]: value })) : branch.values,
  )
  return {
    schema: branches.map((branch) => branch.schema),
    kind: 'object',
    branch: 'union',
    values: fc.oneof(...values),
  }
}

/** A random schema with one value of it. */
export const schemaAndValue = sampleArbitrary().chain((sample) =>
  sample.values.map((value) => ({ schema: sample.schema, value })),
)
