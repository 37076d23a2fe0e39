import { advance, type Cursor, enter, readBlockCount, readLength, readLong, truncated } from './cursor.ts'
import { refuseText } from './refusal.ts'
import { itemCost, minBytes, type SchemaNode } from './schema.ts'

/** Passes over one value, within the same limits as reading it. */
type Skip = (c: Cursor) => void

export type Skips = Map<SchemaNode, { skip: Skip }>

/** For fields that the reader's schema does not have. Their values are bounded, not judged: no text, no date is checked. */
export function compileSkip(node: SchemaNode, all: Skips): Skip {
  switch (node.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (c) => void advance(c, 1)
    case 'int':
    case 'long':
    case 'enum':
      return skipNumber
    case 'float':
      return (c) => void advance(c, 4)
    case 'double':
      return (c) => void advance(c, 8)
    case 'bytes':
    case 'string':
      return skipLengthed
    case 'fixed':
      return (c) => void advance(c, node.size)
    case 'array':
      return skipBlocks(compileSkip(node.items, all), minBytes(node.items), itemCost(node.items))
    case 'map': {
      const skipValue = compileSkip(node.values, all)
      const skipEntry: Skip = (c) => {
        skipLengthed(c)
        skipValue(c)
      }
      return skipBlocks(skipEntry, minBytes(node.values) + 1, 1)
    }
    case 'union': {
      const branches = node.branches.map((branch) => compileSkip(branch, all))
      return (c) => {
        const index = readLong(c)
        const skip = branches[index] ?? refuseText(`union branch ${index} of ${branches.length}`)
        skip(c)
      }
    }
    case 'record': {
      const known = all.get(node)
      if (known !== undefined) return (c) => known.skip(c)
      const holder: { skip: Skip } = { skip: () => {} }
      all.set(node, holder)
      const fields = node.fields.map((field) => compileSkip(field.type, all))
      holder.skip = (c) => {
        enter(c)
        for (const skip of fields) skip(c)
        c.depth++
      }
      return holder.skip
    }
  }
}

function skipNumber(c: Cursor): void {
  for (let count = 1; ; count++) {
    const byte = c.pos < c.buf.length ? (c.buf[c.pos++] as number) : truncated(c)
    if (byte < 0x80) return
    if (count === 10) refuseText('a number of more than ten bytes')
  }
}

function skipLengthed(c: Cursor): void {
  advance(c, readLength(c))
}

function skipBlocks(skipItem: Skip, min: number, cost: number): Skip {
  return (c) => {
    enter(c)
    for (let count = readBlockCount(c, min, cost); count > 0; count = readBlockCount(c, min, cost)) {
      for (; count > 0; count--) skipItem(c)
    }
    c.depth++
  }
}
