import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DrawbridgeError, errorText, hasCode } from '../core/errors.ts'
import { checkSchema } from './check-schema.ts'
import { jsonErrorPlace } from './json-place.ts'
import { literalText } from './literal.ts'

export interface GeneratedFile {
  /** Path of the generated `.ts` file. */
  readonly file: string
  /** `differs` and `missing` are what a check finds and does not touch. */
  readonly state: 'written' | 'same' | 'differs' | 'missing'
}

/**
 * Writes beside each `.avsc` file below `dir` its TypeScript module; with `check` nothing is written. Sorted by path.
 * ERR_SCHEMA_INVALID names the file; no file is written then.
 */
export async function generateAll(
  dir: string,
  options: { readonly check: boolean },
): Promise<readonly GeneratedFile[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const schemas = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.avsc'))
    .map((entry) => join(entry.parentPath, entry.name))
  refuseClashes(schemas)
  const modules = await Promise.all(
    schemas.sort().map(async (schema) => {
      const file = schema.replace(/\.avsc$/, '.ts')
      const [text, present] = await Promise.all([readFile(schema, 'utf8'), readFile(file, 'utf8').catch(noFile)])
      return { file, present, source: generateModule(text, schema) }
    }),
  )
  return await Promise.all(
    modules.map(async ({ file, present, source }): Promise<GeneratedFile> => {
      if (present === source) return { file, state: 'same' }
      if (options.check) return { file, state: present === null ? 'missing' : 'differs' }
      await writeFile(file, source)
      return { file, state: 'written' }
    }),
  )
}

/** In one folder, `order-placed.avsc` and `order_placed.avsc` would give the same names. */
function refuseClashes(schemas: readonly string[]): void {
  const taken = new Map<string, string>()
  for (const schema of schemas) {
    const name = join(dirname(schema), moduleNames(basename(schema)).constant)
    const other = taken.get(name)
    if (other !== undefined) {
      throw new DrawbridgeError(
        'ERR_SCHEMA_INVALID',
        `${schema}: gives the same names as ${other}; rename one of them`,
        {
          details: { file: schema },
        },
      )
    }
    taken.set(name, schema)
  }
}

function noFile(error: unknown): null {
  if ((error as { code?: unknown } | null)?.code === 'ENOENT') return null
  throw error
}

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9]*$/
const RESERVED = new Set(
  'break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield await async arguments eval undefined'.split(
    ' ',
  ),
)
/** Types that the generated one would hide. */
const RESERVED_TYPES = new Set(['AvroValue', 'Array', 'Buffer', 'Date', 'Record'])

/**
 * The TypeScript module of a schema: a constant with the schema, so that its literals are kept, and the type of its
 * values. `order-placed.avsc` gives `orderPlaced` and `OrderPlaced`. The text is as `biome format` leaves it (single
 * quotes, no semicolons, 120 columns). ERR_SCHEMA_INVALID names the file, and line and column for JSON errors, the
 * place in the schema for others.
 */
export function generateModule(avscText: string, fileName: string): string {
  const base = basename(fileName)
  const { constant, type } = moduleNames(base)
  const schema = parseJson(avscText.replace(/^\uFEFF/, ''), fileName)
  try {
    checkSchema(schema)
  } catch (error) {
    if (!hasCode(error, 'ERR_SCHEMA_INVALID')) throw error
    throw new DrawbridgeError('ERR_SCHEMA_INVALID', `${fileName}: ${error.message}`, {
      cause: error,
      details: { ...error.details, file: fileName },
    })
  }
  return [
    `// Generated from ${base} by \`drawbridge schemas generate\`. Do not edit.`,
    `import type { AvroValue } from 'drawbridge'`,
    '',
    `export const ${constant} = ${literalText(schema, `export const ${constant} = `.length, ' as const'.length)} as const`,
    '',
    `export type ${type} = AvroValue<typeof ${constant}>`,
    '',
  ].join('\n')
}

function moduleNames(base: string): { readonly constant: string; readonly type: string } {
  const words = base
    .replace(/\.avsc$/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
  const type = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  const constant = type.charAt(0).toLowerCase() + type.slice(1)
  if (!IDENTIFIER.test(constant) || RESERVED.has(constant) || RESERVED_TYPES.has(type)) {
    throw new DrawbridgeError(
      'ERR_SCHEMA_INVALID',
      `${base}: the file name gives the names ${JSON.stringify(constant)} and ${JSON.stringify(type)}, which a module cannot use; rename the file, such as order-placed.avsc`,
      { details: { file: base } },
    )
  }
  return { constant, type }
}

function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { line, column } = jsonErrorPlace(text)
    throw new DrawbridgeError(
      'ERR_SCHEMA_INVALID',
      `${fileName}:${line}:${column}: not JSON: ${errorText(error).replace(/ \(line.*$/, '')}`,
      { details: { file: fileName, line, column } },
    )
  }
}
