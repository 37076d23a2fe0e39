import type { Cursor } from './cursor.ts'
import { addStep, refuse } from './refusal.ts'
import type { Output } from './output.ts'

/**
 * Records are read and written by generated functions, as in avsc itself: an object literal with the field names in it
 * is some three times faster than a loop over names, and its result is a plain object with own properties. Only field
 * names get into the text, which parse-schema.ts admits as letters, digits and _ alone.
 */

export interface RecordReading {
  /** In the order of the writer's fields. A skipped field's step returns nothing that is used. */
  readonly steps: readonly ((c: Cursor) => unknown)[]
  readonly stepNames: readonly string[]
  /** The fields of the result in the reader's order; step -1 takes the default. */
  readonly fields: readonly {
    readonly name: string
    readonly step: number
    readonly fallback: (() => unknown) | undefined
  }[]
}

export function compileRecordReader(reading: RecordReading): (c: Cursor) => unknown {
  const reads = reading.steps.map((_, index) => `step = ${index}; const v${index} = s${index}(c)`)
  const properties = reading.fields.map(({ name, step }, index) => `${name}: ${step >= 0 ? `v${step}` : `d${index}()`}`)
  return build<(c: Cursor) => unknown>(
    `(c) => {
      if (--c.depth < 0) tooDeep()
      let step = 0
      try {
        ${reads.join('\n        ')}
        c.depth++
        return { ${properties.join(', ')} }
      } catch (error) {
        throw addStep(error, names[step])
      }
    }`,
    {
      ...Object.fromEntries(reading.steps.map((read, index) => [`s${index}`, read])),
      ...Object.fromEntries(reading.fields.map(({ fallback }, index) => [`d${index}`, fallback])),
      names: reading.stepNames,
      addStep,
      tooDeep,
    },
  )
}

export interface RecordWriting {
  readonly names: readonly string[]
  readonly writes: readonly ((out: Output, value: unknown) => void)[]
  /** Called where own properties and fields may differ; throws a refusal if a property is no field. */
  readonly checkExtra: (value: object) => void
  readonly text: string
}

export function compileRecordWriter(writing: RecordWriting): (out: Output, value: unknown) => void {
  const steps = writing.names.map((name, index) => `step = ${index}; w${index}(out, value.${name})`)
  return build<(out: Output, value: unknown) => void>(
    `(out, value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(text, value)
      if (--out.depth < 0) tooDeep()
      let step = 0
      try {
        ${steps.join('\n        ')}
      } catch (error) {
        throw addStep(error, names[step])
      }
      let count = 0
      for (const _ in value) count++
      if (count !== ${writing.names.length} || Object.getPrototypeOf(value) !== Object.prototype) checkExtra(value)
      out.depth++
    }`,
    {
      ...Object.fromEntries(writing.writes.map((write, index) => [`w${index}`, write])),
      names: writing.names,
      checkExtra: writing.checkExtra,
      text: writing.text,
      addStep,
      refuse,
      tooDeep,
    },
  )
}

function tooDeep(): never {
  return refuse('fewer levels of records, arrays and maps inside each other', 'a deeper or a cyclic value')
}

function build<F>(text: string, scope: Readonly<Record<string, unknown>>): F {
  // oxlint-disable-next-line typescript/no-implied-eval -- the text holds checked field names only, see above
  const make = new Function(...Object.keys(scope), `'use strict'\nreturn ${text}`) as (...values: unknown[]) => F
  return make(...Object.values(scope))
}
