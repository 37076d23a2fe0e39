import {
  type EnumNode,
  type FieldNode,
  type FixedNode,
  type RecordNode,
  type SchemaNode,
  shortName,
  typeText,
  type UnionNode,
} from './schema.ts'

/** The rules of Avro 1.12, "Schema Resolution", that reading (decode.ts) and judging (compatibility.ts) share. */

type Named = RecordNode | EnumNode | FixedNode

/** Whether a reader's named type may read the writer's: same unqualified name, or an alias of the reader. */
export function namesMatch(reader: Named, writer: Named): boolean {
  return (
    shortName(reader.name) === shortName(writer.name) ||
    reader.aliases.some((alias) => alias === writer.name || shortName(alias) === shortName(writer.name))
  )
}

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

/** Whether a primitive of the writer may be read as this primitive. */
export function promotes(writer: string, reader: string): boolean {
  return writer === reader || (PROMOTIONS[writer]?.includes(reader) ?? false)
}

/**
 * Why the numbers or bytes of the writer's logical type would be misread, or null. Decimals must agree in precision
 * and scale (Avro 1.12). Avro ignores the others; we refuse millis for micros, which would be off by a thousand.
 */
export function logicalClash(reader: SchemaNode, writer: SchemaNode): string | null {
  const to = 'logical' in reader ? reader.logical : null
  const from = 'logical' in writer ? writer.logical : null
  if (to === null || from === null || to.text === from.text || from.name === 'bigint' || to.name === 'bigint')
    return null
  return `the writer's ${typeText(writer)} would be misread as ${typeText(reader)}`
}

/** The writer's field that a reader's field reads: by its name, else by one of its aliases. */
export function writerField(field: FieldNode, writer: RecordNode): FieldNode | undefined {
  const byName = (name: string): FieldNode | undefined => writer.fields.find((candidate) => candidate.name === name)
  return byName(field.name) ?? field.aliases.map(byName).find((candidate) => candidate !== undefined)
}

/**
 * The order in which a reader's branches are tried for a writer's type: the same full name, then the same kind, then
 * what it may be promoted to. Taking simply the first that fits would turn an int into the long that stands before it.
 */
export function branchesToTry(reader: UnionNode, writer: SchemaNode): readonly SchemaNode[] {
  const rank = (branch: SchemaNode): number => {
    if (branch.kind !== writer.kind) return 2
    return 'name' in branch && 'name' in writer && branch.name !== writer.name ? 1 : 0
  }
  return reader.branches.toSorted((a, b) => rank(a) - rank(b))
}

export function missingField(reader: RecordNode, field: FieldNode, writer: RecordNode): string {
  return `the writer's record ${writer.name} has no field ${JSON.stringify(field.name)} and the reader's ${reader.name} has no default for it`
}
