import { differences } from './compatibility.ts'
import {
  type Cursor,
  enter,
  readBigLong,
  readBlockCount,
  readBoolean,
  readDouble,
  readFixed,
  readFloat,
  readInt,
  readLength,
  readLong,
  readString,
} from './cursor.ts'
import { compileRecordReader } from './record-code.ts'
import { addStep, refuse, refuseText } from './refusal.ts'
import { branchesToTry, logicalClash, missingField, namesMatch, writerField } from './resolution.ts'
import {
  type ArrayNode,
  branchName,
  type EnumNode,
  itemCost,
  type MapNode,
  minBytes,
  type RecordNode,
  type SchemaNode,
  typeText,
  unionIsWrapped,
} from './schema.ts'
import { setOwn } from './set-own.ts'
import { compileSkip, type Skips } from './skip.ts'

/** Reads one value at the cursor; throws a refusal for bytes that are none. */
export type Read = (c: Cursor) => unknown

interface Compilation {
  readonly pairs: Map<SchemaNode, Map<SchemaNode, { read: Read }>>
  readonly skips: Skips
}

/**
 * A reader of values written with `writer`, as values of `reader` (Avro 1.12, "Schema Resolution"). Reading with one
 * schema is the case of both being the same. Whatever cannot be resolved is refused when such a value comes, because
 * a writer's union may hold only branches that we can read.
 */
export function compileReader(writer: SchemaNode, reader: SchemaNode): Read {
  return compile(writer, reader, { pairs: new Map(), skips: new Map() })
}

function compile(writer: SchemaNode, reader: SchemaNode, all: Compilation): Read {
  if (writer.kind === 'union') {
    // The branch of the same union is itself; trying would find an earlier one that it may be promoted to.
    const branches = writer.branches.map((branch) =>
      writer === reader ? branchReader(branch, branch, writer, all) : compile(branch, reader, all),
    )
    return (c) => {
      const index = readLong(c)
      const read = branches[index]
      return read === undefined ? refuseText(`union branch ${index} of ${branches.length}`) : read(c)
    }
  }
  if (reader.kind === 'union') {
    const branch = branchesToTry(reader, writer).find((candidate) => differences(candidate, writer).length === 0)
    return branch === undefined ? never(writer, reader) : branchReader(writer, branch, reader, all)
  }
  const clash = logicalClash(reader, writer)
  if (clash !== null) return () => refuseText(clash)
  if (reader.kind === 'record')
    return writer.kind === 'record' && namesMatch(reader, writer) ? record(writer, reader, all) : never(writer, reader)
  if (reader.kind === 'array') return writer.kind === 'array' ? array(writer, reader, all) : never(writer, reader)
  if (reader.kind === 'map') return writer.kind === 'map' ? map(writer, reader, all) : never(writer, reader)
  if (reader.kind === 'enum')
    return writer.kind === 'enum' && namesMatch(reader, writer) ? enumeration(writer, reader) : never(writer, reader)
  const raw = scalar(writer, reader)
  if (raw === undefined) return never(writer, reader)
  const { logical } = reader
  return logical === null ? raw : (c) => logical.fromRaw(raw(c))
}

function never(writer: SchemaNode, reader: SchemaNode): Read {
  return () => refuseText(`the writer's ${typeText(writer)} cannot be read as ${typeText(reader)}`)
}

function branchReader(
  writer: SchemaNode,
  reader: SchemaNode,
  union: SchemaNode & { kind: 'union' },
  all: Compilation,
): Read {
  const read = compile(writer, reader, all)
  if (reader.kind === 'null' || !unionIsWrapped(union)) return read
  const name = branchName(reader)
  return (c) => ({ [name]: read(c) })
}

/** Undefined where the writer's type is not the reader's and may not be promoted to it. */
function scalar(writer: SchemaNode, reader: SchemaNode): Read | undefined {
  const big = 'logical' in reader && reader.logical?.bigLong === true
  switch (`${writer.kind} as ${reader.kind}`) {
    case 'null as null':
      return () => null
    case 'boolean as boolean':
      return readBoolean
    case 'int as int':
    case 'int as float':
    case 'int as double':
      return readInt
    case 'int as long':
      return big ? (c) => BigInt(readInt(c)) : readInt
    case 'long as long':
      return big ? readBigLong : readLong
    case 'long as float':
    case 'long as double':
      return (c) => Number(readBigLong(c))
    case 'float as float':
    case 'float as double':
      return readFloat
    case 'double as double':
      return readDouble
    case 'string as string':
    case 'bytes as string':
      return readString
    case 'bytes as bytes':
    case 'string as bytes':
      return (c) => readFixed(c, readLength(c))
    case 'fixed as fixed':
      return fixed(writer, reader)
    default:
      return undefined
  }
}

function fixed(writer: SchemaNode, reader: SchemaNode): Read | undefined {
  if (reader.kind !== 'fixed' || writer.kind !== 'fixed' || reader.size !== writer.size || !namesMatch(reader, writer))
    return undefined
  const { size } = reader
  return (c) => readFixed(c, size)
}

function enumeration(writer: EnumNode, reader: EnumNode): Read {
  const symbols = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? symbol : reader.default))
  return (c) => {
    const index = readLong(c)
    const symbol = symbols[index]
    if (symbol !== undefined) return symbol
    return index in symbols
      ? refuse(`one of ${reader.symbols.join(', ')}`, writer.symbols[index])
      : refuseText(`enum symbol ${index} of ${symbols.length}`)
  }
}

function array(writer: ArrayNode, reader: ArrayNode, all: Compilation): Read {
  const readItem = compile(writer.items, reader.items, all)
  const min = minBytes(writer.items)
  const cost = itemCost(writer.items)
  return (c) => {
    enter(c)
    const value: unknown[] = []
    try {
      for (let count = readBlockCount(c, min, cost); count > 0; count = readBlockCount(c, min, cost)) {
        for (; count > 0; count--) value.push(readItem(c))
      }
    } catch (error) {
      throw addStep(error, value.length)
    }
    c.depth++
    return value
  }
}

function map(writer: MapNode, reader: MapNode, all: Compilation): Read {
  const readValue = compile(writer.values, reader.values, all)
  const min = minBytes(writer.values) + 1
  return (c) => {
    enter(c)
    const value: Record<string, unknown> = {}
    let key = ''
    try {
      for (let count = readBlockCount(c, min); count > 0; count = readBlockCount(c, min)) {
        for (; count > 0; count--) {
          key = readString(c)
          setOwn(value, key, readValue(c))
        }
      }
    } catch (error) {
      throw addStep(error, key)
    }
    c.depth++
    return value
  }
}

function record(writer: RecordNode, reader: RecordNode, all: Compilation): Read {
  const known = all.pairs.get(writer)?.get(reader)
  if (known !== undefined) return (c) => known.read(c)
  // Registered before its fields are compiled: they may hold the record again.
  const holder: { read: Read } = { read: () => null }
  all.pairs.set(writer, (all.pairs.get(writer) ?? new Map<SchemaNode, { read: Read }>()).set(reader, holder))
  const sources = new Map(reader.fields.map((field) => [field, writerField(field, writer)]))
  for (const [field, source] of sources) {
    if (source === undefined && field.default === undefined) {
      holder.read = () => refuseText(missingField(reader, field, writer))
      return holder.read
    }
  }
  const steps = writer.fields.map((written) => {
    const targets = reader.fields.filter((field) => sources.get(field) === written)
    if (targets.length > 1)
      return () =>
        refuseText(
          `the fields ${targets.map((field) => field.name).join(' and ')} both read the writer's ${written.name}; drop an alias`,
        )
    return targets[0] === undefined ? compileSkip(written.type, all.skips) : compile(written.type, targets[0].type, all)
  })
  holder.read = compileRecordReader({
    steps,
    stepNames: writer.fields.map((field) => field.name),
    fields: reader.fields.map((field) => ({
      name: field.name,
      step: writer.fields.findIndex((written) => written === sources.get(field)),
      fallback: field.default,
    })),
  })
  return holder.read
}
