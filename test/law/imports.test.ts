import { describe, expect, test } from '@jest/globals'
import { readTree } from '../kit/source-tree.ts'
import { importsOf } from './imports.ts'
import { importBreaches } from './layers.ts'

test('imports-point-one-way', async () => {
  const tree = await readTree('src', 'connectors', 'schemas')
  expect(tree.size).toBeGreaterThan(10)
  expect(importBreaches(tree)).toEqual([])
})

/** A tree that keeps the law; each case below adds a breach to it. */
const sound = {
  'src/core/record.ts': `import { Buffer } from 'node:buffer'\nexport type Headers = Buffer`,
  'src/core/broker.ts': `import type { Headers } from './record.ts'\nexport type Broker = Headers`,
  'src/avro/codec.ts': `import avsc from 'avsc'\nimport type { Headers } from '../core/record.ts'`,
  'src/registry/registry.ts': `import '../avro/codec.ts'`,
  'src/backends/open.ts': `export const open = () => import('./embedded/store.ts')`,
  'src/backends/embedded/store.ts': `import { open } from 'lmdb'\nimport '../../core/record.ts'`,
  'src/backends/murmur2.ts': `import '../core/record.ts'`,
  'src/backends/kafka/driver.ts': `import 'kafkajs'\nimport '../murmur2.ts'`,
  'schemas/shop/order.ts': `import type { AvroValue } from 'drawbridge'`,
  'src/open-broker.ts': `import './backends/open.ts'\nimport './registry/registry.ts'`,
  'src/connect/run.ts': `import '../open-broker.ts'\nimport './types.ts'`,
  'src/connect/types.ts': `export const load = () => import('../../connectors/file-sink/sink.ts')`,
  'src/connect/config.ts': `import 'yaml'`,
  'src/index.ts': `export { connect } from './open-broker.ts'\nexport type * from './core/record.ts'`,
  'src/cli/main.ts': `await import('../connect/run.ts')\nimport '../../schemas/shop/order.ts'`,
  'connectors/file-sink/sink.ts': `import '../../src/connect/config.ts'\nimport './row.ts'`,
  'connectors/file-sink/row.ts': `import 'csv-stringify'`,
  'connectors/webhook-sink/sink.ts': `import 'undici'`,
}

test('the law accepts a sound tree', () => {
  expect(breachesWith({})).toEqual([])
})

describe('the law refuses', () => {
  const cases: readonly (readonly [what: string, file: string, source: string, message: string])[] = [
    ['core importing avro', 'src/core/x.ts', `import { a } from '../avro/codec.ts'`, 'core may not import avro'],
    [
      'core importing a type of avro',
      'src/core/x.ts',
      `import type { A } from '../avro/codec.ts'`,
      'core may not import avro',
    ],
    ['core importing a package', 'src/core/x.ts', `import avsc from 'avsc'`, 'core may not import the package avsc'],
    ['a builtin without node:', 'src/core/x.ts', `import fs from 'fs'`, 'write node:fs'],
    [
      'avro importing the registry',
      'src/avro/x.ts',
      `import '../registry/registry.ts'`,
      'avro may not import registry',
    ],
    ['avro importing another package', 'src/avro/x.ts', `import 'lmdb'`, 'avro may not import the package lmdb'],
    [
      'registry importing a backend',
      'src/registry/x.ts',
      `import '../backends/embedded/store.ts'`,
      'registry may not import backend',
    ],
    [
      'one backend importing another',
      'src/backends/kafka/x.ts',
      `import '../embedded/store.ts'`,
      'kafka may not import embedded',
    ],
    [
      'a backend importing the plug-in table',
      'src/backends/kafka/x.ts',
      `import type { B } from '../open.ts'`,
      'backend may not import backends',
    ],
    [
      'a backend importing connect',
      'src/backends/kafka/x.ts',
      `await import('../../connect/run.ts')`,
      'backend may not import connect',
    ],
    [
      'connect importing a backend',
      'src/connect/x.ts',
      `import '../backends/open.ts'`,
      'connect may not import backends',
    ],
    [
      'connect importing a connector',
      'src/connect/x.ts',
      `import '../../connectors/file-sink/row.ts'`,
      'connect may not import connector',
    ],
    [
      'one connector importing another',
      'connectors/webhook-sink/x.ts',
      `import '../file-sink/row.ts'`,
      'webhook-sink may not import file-sink',
    ],
    [
      'a connector importing a backend',
      'connectors/file-sink/x.ts',
      `import '../../src/backends/open.ts'`,
      'connector may not import backends',
    ],
    ['anyone importing the command line', 'src/connect/x.ts', `import '../cli/main.ts'`, 'connect may not import cli'],
    ['re-exporting elsewhere', 'src/core/x.ts', `export { a } from './record.ts'`, 're-exports ./record.ts'],
    ['re-exporting everything elsewhere', 'src/core/x.ts', `export * from './record.ts'`, 're-exports ./record.ts'],
    [
      'a computed import',
      'src/core/x.ts',
      `const at = './record.ts'\nawait import(at)`,
      'src/core/x.ts:2: a computed import',
    ],
    ['a missing file', 'src/core/x.ts', `import './gone.ts'`, 'which is no source file'],
    ['a file outside the layers', 'src/helpers/x.ts', '', 'belongs to no layer'],
    [
      'an import within a template',
      'src/core/x.ts',
      'const a = `${await import("../avro/codec.ts")}`',
      'core may not import avro',
    ],
  ]
  test.each(cases)('%s', (_what, file, source, message) => {
    const breaches = breachesWith({ [file]: source })
    expect(breaches).toHaveLength(1)
    expect(breaches[0]).toContain(message)
    expect(breaches[0]).toContain(file)
  })

  test('a circle, named from end to end', () => {
    const breaches = breachesWith({
      'src/core/a.ts': `import './b.ts'`,
      'src/core/b.ts': `import type { C } from './c.ts'`,
      'src/core/c.ts': `import './a.ts'`,
    })
    expect(breaches).toEqual(['src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts: a circle of imports'])
  })
})

test('imports are found in code only, in every form', () => {
  const source = [
    `import a, { b as c } from './one.ts'`,
    `import * as d from "./two.ts"`,
    `import type { E } from './three.ts'`,
    `import './four.ts'`,
    `export { f } from './five.ts'`,
    `export type { G } from './six.ts'`,
    `const h = await import('./seven.ts')`,
    `type I = typeof import('./eight.ts')`,
    `import {`,
    `  j,`,
    `} from './nine.ts'`,
    `// import './no.ts'`,
    `/* import './no.ts' */ const k = "import './no.ts'"`,
    'const l = `import "./no.ts"` + import.meta.url',
    `const m = /import '.\\/no.ts'/.test("'")`,
    `export { a }`,
    `const from = './no.ts'`,
    `const n = 4 / 2 / 1; const o = thing.import('./no.ts')`,
    `import p from './ten.ts'`,
  ].join('\n')
  const found = importsOf(source)
  expect(found.map((one) => one.specifier)).toEqual(
    ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'].map((name) => `./${name}.ts`),
  )
  expect(found.filter((one) => one.reExport).map((one) => one.line)).toEqual([5, 6])
  expect(found.at(-1)?.line).toBe(19)
})

function breachesWith(files: Readonly<Record<string, string>>): readonly string[] {
  return importBreaches(new Map(Object.entries({ ...sound, ...files })))
}
