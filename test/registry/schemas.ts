import type { CompatibilityLevel } from '../../src/avro/compatibility.ts'

/** A record of these fields; `b=` has the default 0. */
export function recordOf(...fields: readonly string[]): string {
  return JSON.stringify({
    type: 'record',
    name: 'R',
    fields: fields.map((field) =>
      field.endsWith('=') ? { name: field.slice(0, -1), type: 'int', default: 0 } : { name: field, type: 'int' },
    ),
  })
}

interface Evolution {
  readonly what: string
  /** Fields of the versions, oldest first; the last one is new. */
  readonly versions: readonly (readonly string[])[]
  /** The levels that allow it. */
  readonly allowedBy: readonly CompatibilityLevel[]
}

/** Worked out by hand from Confluent's table of levels: each level is told apart from every other one. */
export const EVOLUTIONS: readonly Evolution[] = [
  {
    what: 'a field with a default comes',
    versions: [['a'], ['a', 'b=']],
    allowedBy: ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'],
  },
  {
    what: 'a field without a default comes',
    versions: [['a'], ['a', 'b']],
    allowedBy: ['NONE', 'FORWARD', 'FORWARD_TRANSITIVE'],
  },
  {
    what: 'a field without a default goes',
    versions: [['a', 'b'], ['a']],
    allowedBy: ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE'],
  },
  {
    what: 'a field loses the default that it came with',
    versions: [['a'], ['a', 'b='], ['a', 'b']],
    allowedBy: ['NONE', 'BACKWARD', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL'],
  },
  {
    what: 'a field goes that had no default at first',
    versions: [['a', 'b'], ['a', 'b='], ['a']],
    allowedBy: ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FULL'],
  },
  { what: 'one field takes the place of another', versions: [['a'], ['b']], allowedBy: ['NONE'] },
]
