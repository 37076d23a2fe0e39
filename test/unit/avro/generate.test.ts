import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { generateAll, generateModule } from '../../../src/avro/generate.ts'

const biome = join('node_modules', '.bin', 'biome')
/** What Biome makes of a source, by the project's own configuration. */
const formatted = (source: string): string =>
  execFileSync(biome, ['format', '--config-path=biome.json', '--stdin-file-path=schemas/x.ts'], {
    input: source,
    encoding: 'utf8',
  })

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drawbridge-schemas-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true })
})

describe('generated-modules', () => {
  test('begin-with-where-they-come-from-and-export-constant-and-type', () => {
    const source = generateModule('{"type":"fixed","name":"Md5","size":16}', '/some/where/md5-hash.avsc')
    expect(source).toBe(`// Generated from md5-hash.avsc by \`drawbridge schemas generate\`. Do not edit.
import type { AvroValue } from 'drawbridge'

export const md5Hash = {
  type: 'fixed',
  name: 'Md5',
  size: 16,
} as const

export type Md5Hash = AvroValue<typeof md5Hash>
`)
  })

  test('of-this-project-are-up-to-date-and-formatted', async () => {
    const files = await generateAll('schemas', { check: true })
    expect(files.map(({ file, state }) => `${file} ${state}`)).toEqual([
      'schemas/demo/airport.ts same',
      'schemas/shop/order-placed.ts same',
    ])
    for (const { file } of files) {
      const source = await readFile(file, 'utf8')
      expect(formatted(source)).toBe(source)
    }
  })

  test('are-left-unchanged-by-the-formatter-whatever-the-schema-holds', () => {
    const words = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `SYMBOL_${index}`)
    const schema = {
      type: 'record',
      name: 'a.Odd',
      doc: 'x'.repeat(200),
      'drawbridge.key': 'first',
      note: `it's "both"`,
      quote: `it's`,
      escape: 'line\nbreak \\ "double" é 😀',
      empty: {},
      none: [],
      numbers: Array.from({ length: 60 }, (_, index) => index * 1000),
      matrix: [
        [1, 2],
        [3, 4],
      ],
      single: [[1], [2]],
      mixed: [1, 'a', null, true, -1.5, 1e21, 1e-7],
      k4kk: 'z'.repeat(200),
      k5kkk: 'z'.repeat(200),
      "k'": 'z'.repeat(200),
      edge104: 'y'.repeat(104),
      edge105: 'y'.repeat(105),
      edge106: 'y'.repeat(106),
      '1': 'numeric key',
      fields: [
        { name: 'first', type: 'string' },
        { name: 'short', type: { type: 'enum', name: 'S', symbols: words(3) } },
        { name: 'long', type: { type: 'enum', name: 'L', symbols: words(40) } },
        { name: 'union', type: ['null', { type: 'array', items: ['null', 'int'] }], default: null },
        ...[90, 91, 92, 93, 94, 95, 96, 97].map((length) => ({
          name: `w${length}`,
          type: 'string',
          aliases: ['a'.repeat(length), 'b'],
        })),
      ],
    }
    const source = generateModule(JSON.stringify(schema), 'odd.avsc')
    expect(formatted(source)).toBe(source)
    const union = generateModule(JSON.stringify(['null', 'string']), 'either.avsc')
    expect(formatted(union)).toBe(union)
  })
})

describe('refused-with-file-and-place', () => {
  test.each([
    ['broken-json', 'a.avsc', '{\n  "type": oops\n}', /^a.avsc:2:11: not JSON/],
    ['json-that-ends-early', 'a.avsc', '{\n  "type":', /^a.avsc:2:10: not JSON/],
    ['a-comma-too-many', 'a.avsc', '{"type": "int",\n}', /^a.avsc:2:1: not JSON/],
    ['something-after-the-end', 'a.avsc', '{}\n\n x', /^a.avsc:3:2: not JSON/],
    ['a-text-without-end', 'a.avsc', '["a", "b]', /^a.avsc:1:7: not JSON/],
    [
      'a-bad-schema',
      'a.avsc',
      '{"type":"record","name":"R","fields":[{"name":"f","type":"nope"}]}',
      /^a.avsc: schema at fields\[0\].type/,
    ],
    ['a-reserved-name', 'class.avsc', '"int"', /rename the file/],
    ['a-name-that-begins-with-a-digit', '2fast.avsc', '"int"', /rename the file/],
    ['a-name-that-hides-a-type', 'avro-value.avsc', '"int"', /rename the file/],
  ])('%s', (_, file, text, message) => {
    expect(() => generateModule(text, file)).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEMA_INVALID', message: expect.stringMatching(message) }),
    )
  })
})

describe('generate-all', () => {
  const states = async (check: boolean): Promise<readonly string[]> =>
    (await generateAll(dir, { check })).map(({ state }) => state)

  test('a-check-writes-nothing-and-a-run-writes-what-differs', async () => {
    await mkdir(join(dir, 'deep'))
    await writeFile(join(dir, 'a.avsc'), '"int"')
    await writeFile(join(dir, 'deep', 'b.avsc'), '"string"')
    expect(await states(true)).toEqual(['missing', 'missing'])
    expect(await states(false)).toEqual(['written', 'written'])
    expect(await states(true)).toEqual(['same', 'same'])
    await writeFile(join(dir, 'a.avsc'), '"long"')
    expect(await states(true)).toEqual(['differs', 'same'])
    expect(await readFile(join(dir, 'a.ts'), 'utf8')).toContain(`'int'`)
    expect(await states(false)).toEqual(['written', 'same'])
    expect(await readFile(join(dir, 'a.ts'), 'utf8')).toContain(`'long'`)
  })

  test('one-bad-schema-and-no-file-is-written', async () => {
    await writeFile(join(dir, 'a.avsc'), '"int"')
    await writeFile(join(dir, 'b.avsc'), '"nope"')
    await expect(generateAll(dir, { check: false })).rejects.toMatchObject({ code: 'ERR_SCHEMA_INVALID' })
    await expect(readFile(join(dir, 'a.ts'), 'utf8')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('two-schemas-for-one-file-name-are-refused', async () => {
    await writeFile(join(dir, 'order-placed.avsc'), '"int"')
    await writeFile(join(dir, 'order_placed.avsc'), '"int"')
    await expect(generateAll(dir, { check: true })).rejects.toMatchObject({ code: 'ERR_SCHEMA_INVALID' })
  })
})
