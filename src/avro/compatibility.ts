import { parseSchema, schemaJson } from './parse-schema.ts'
import { joinPath } from './refusal.ts'
import { branchesToTry, logicalClash, missingField, namesMatch, promotes, writerField } from './resolution.ts'
import { branchName, type EnumNode, type RecordNode, type SchemaNode, typeText } from './schema.ts'

/** One reason why the reader's schema cannot read what the writer's wrote. */
export interface Difference {
  /** Path of the reader's field, such as `lines[].sku`; empty for the schema itself. */
  readonly path: string
  readonly message: string
}

export type CompatibilityLevel =
  | 'NONE'
  | 'BACKWARD'
  | 'FORWARD'
  | 'FULL'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD_TRANSITIVE'
  | 'FULL_TRANSITIVE'

export const COMPATIBILITY_LEVELS: readonly CompatibilityLevel[] = [
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
]

export interface CompatibilityResult {
  readonly compatible: boolean
  /** Each message says which of the earlier schemas it is about, and in which direction. */
  readonly differences: readonly Difference[]
}

/**
 * Every reason why `readerSchema` (JSON or its text) cannot read all values of `writerSchema`; empty if it can. The
 * rules are those of Avro 1.12, "Schema Resolution"; names match without their namespace, and a writer's union is
 * readable only if each of its branches is. ERR_SCHEMA_INVALID.
 */
export function checkCompatibility(readerSchema: unknown, writerSchema: unknown): readonly Difference[] {
  return differences(parseSchema(readerSchema, 'foreign'), parseSchema(writerSchema, 'foreign'))
}

/**
 * Whether a new schema may follow the earlier ones (oldest first). BACKWARD: the new one reads what was written before;
 * FORWARD: readers of before read what it writes; FULL: both. Without _TRANSITIVE only the latest earlier schema
 * counts. Source: Confluent Schema Registry, "Schema Evolution and Compatibility". Messages call the earlier ones by
 * `nameOf` their index. ERR_SCHEMA_INVALID.
 */
export function isCompatible(
  level: CompatibilityLevel,
  newSchema: unknown,
  earlierSchemas: readonly unknown[],
  nameOf: (index: number) => string = (index) => `schema ${index + 1}`,
): CompatibilityResult {
  const found: Difference[] = []
  const first = level.endsWith('_TRANSITIVE') ? 0 : Math.max(0, earlierSchemas.length - 1)
  for (let index = level === 'NONE' ? earlierSchemas.length : first; index < earlierSchemas.length; index++) {
    const note = (list: readonly Difference[], direction: string): void => {
      found.push(...list.map(({ path, message }) => ({ path, message: `${direction} ${nameOf(index)}: ${message}` })))
    }
    if (!level.startsWith('FORWARD'))
      note(checkCompatibility(newSchema, earlierSchemas[index]), 'the new schema cannot read')
    if (!level.startsWith('BACKWARD'))
      note(checkCompatibility(earlierSchemas[index], newSchema), 'the new schema cannot be read by')
  }
  return { compatible: found.length === 0, differences: found }
}

/**
 * A stable text for telling whether two schemas are the same: the JSON without its white space. Defaults, docs,
 * aliases, logical types and the order of attributes count, unlike in Avro's Parsing Canonical Form.
 */
export function canonicalSchema(schema: unknown): string {
  return JSON.stringify(schemaJson(schema))
}

export function differences(reader: SchemaNode, writer: SchemaNode): readonly Difference[] {
  return compare(reader, writer, '', { assumed: new Map(), failed: new Map() })
}

/**
 * Pairs of records already met. Those in hand are assumed to fit (recursion); those that failed are not walked again,
 * as a schema of many unions over the same records would take exponential time.
 */
interface Seen {
  assumed: Pairs
  readonly failed: Pairs
}

type Pairs = Map<SchemaNode, ReadonlySet<SchemaNode>>

function addPair(pairs: Pairs, reader: SchemaNode, writer: SchemaNode): void {
  pairs.set(reader, new Set([...(pairs.get(reader) ?? []), writer]))
}

function compare(reader: SchemaNode, writer: SchemaNode, path: string, seen: Seen): readonly Difference[] {
  const here = (message: string): readonly Difference[] => [{ path, message }]
  if (writer.kind === 'union') {
    return writer.branches.flatMap((branch) => compare(reader, branch, path, seen))
  }
  if (reader.kind === 'union') {
    let meant: readonly Difference[] | undefined
    for (const branch of branchesToTry(reader, writer)) {
      const trial: Seen = { assumed: new Map(seen.assumed), failed: seen.failed }
      const list = compare(branch, writer, path, trial)
      if (list.length === 0) {
        seen.assumed = trial.assumed
        return []
      }
      // The branch of the same name is the one that was meant: its differences tell more than "no branch fits".
      if (branch.kind === 'record' && branchName(branch) === branchName(writer)) meant = list
    }
    return meant ?? here(`the writer's ${typeText(writer)} fits no branch of the reader's union ${typeText(reader)}`)
  }
  const mismatch = (): readonly Difference[] =>
    here(`the writer's ${typeText(writer)} cannot be read as ${typeText(reader)}`)
  if (reader.kind !== writer.kind) return promotes(writer.kind, reader.kind) ? clash(reader, writer, path) : mismatch()
  if ('name' in reader && 'name' in writer && !namesMatch(reader, writer)) {
    return here(
      `the writer's ${writer.kind} ${writer.name} has another name than the reader's ${reader.name}; an alias ${JSON.stringify(writer.name)} in the reader's schema would match them`,
    )
  }
  switch (reader.kind) {
    case 'array':
      return writer.kind === 'array' ? compare(reader.items, writer.items, `${path}[]`, seen) : mismatch()
    case 'map':
      return writer.kind === 'map' ? compare(reader.values, writer.values, `${path}{}`, seen) : mismatch()
    case 'fixed':
      if (writer.kind !== 'fixed') return mismatch()
      return reader.size === writer.size
        ? clash(reader, writer, path)
        : here(`fixed ${reader.name} has ${reader.size} bytes for the reader and ${writer.size} for the writer`)
    case 'enum':
      return writer.kind === 'enum' ? compareEnums(reader, writer, path) : mismatch()
    case 'record':
      return writer.kind === 'record' ? compareRecords(reader, writer, path, seen) : mismatch()
    default:
      return clash(reader, writer, path)
  }
}

function clash(reader: SchemaNode, writer: SchemaNode, path: string): readonly Difference[] {
  const message = logicalClash(reader, writer)
  return message === null ? [] : [{ path, message }]
}

function compareEnums(reader: EnumNode, writer: EnumNode, path: string): readonly Difference[] {
  if (reader.default !== undefined) return []
  const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol))
  if (unknown.length === 0) return []
  return [
    {
      path,
      message: `the writer's enum ${writer.name} has ${unknown.join(', ')}, which the reader's lacks; add them or give the reader's enum a default`,
    },
  ]
}

function compareRecords(reader: RecordNode, writer: RecordNode, path: string, seen: Seen): readonly Difference[] {
  if (seen.assumed.get(reader)?.has(writer)) return []
  if (seen.failed.get(reader)?.has(writer))
    return [{ path, message: `the writer's record ${writer.name} cannot be read as ${reader.name}, as said elsewhere` }]
  addPair(seen.assumed, reader, writer)
  const found = reader.fields.flatMap((field): readonly Difference[] => {
    const written = writerField(field, writer)
    if (written !== undefined) return compare(field.type, written.type, joinPath(path, field.name), seen)
    return field.default === undefined
      ? [{ path: joinPath(path, field.name), message: `${missingField(reader, field, writer)}; give it a default` }]
      : []
  })
  if (found.length > 0) addPair(seen.failed, reader, writer)
  return found
}
