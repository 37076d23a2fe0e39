import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { DrawbridgeError, readProperty } from '../core/errors.ts'

/** One level of a broker's configuration file. Every complaint is ERR_CONFIG, names file and key, and shows no value. */
export interface ConfigLevel {
  text(key: string): string | undefined
  /** A path, counted from the configuration file's folder. */
  path(key: string): string | undefined
  list(key: string): readonly string[] | undefined
  level(key: string, known: readonly string[]): ConfigLevel | undefined
  /** ERR_CONFIG about this key. */
  wrong(key: string, what: string): DrawbridgeError
}

/** Reads YAML or JSON. ERR_CONFIG where it cannot be read, is no mapping, or has a key that is not among the `known`. */
export async function readConfigFile(file: string, known: readonly string[]): Promise<ConfigLevel> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw invalid(`config=${file} cannot be read (${String(readProperty(error, 'code'))}): name a file that exists`)
  }
  const lineCounter = new LineCounter()
  // The library's own messages quote the text, and that may hold a password.
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  const [mistake] = document.errors
  if (mistake !== undefined) {
    const { line } = lineCounter.linePos(mistake.pos[0])
    throw invalid(`${file}:${line}: neither YAML nor JSON (${mistake.code}): correct that line`)
  }
  return levelOf(file, '', document.toJS(), known)
}

function levelOf(file: string, prefix: string, value: unknown, known: readonly string[]): ConfigLevel {
  const wrong = (key: string, what: string) => invalid(`${file}: ${prefix}${key}: ${what}`)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(`${file}: ${prefix === '' ? 'the whole' : prefix.slice(0, -1)} is to be keys with values`)
  }
  const values = value as Readonly<Record<string, unknown>>
  const unknown = Object.keys(values).find((key) => !known.includes(key))
  if (unknown !== undefined) throw wrong(unknown, `there is no such key; there are ${known.join(', ')}`)

  function text(key: string): string | undefined {
    const found = values[key]
    if (found === undefined || found === null) return undefined
    // A password of digits only is a number to YAML, which may have dropped a zero.
    if (typeof found !== 'string') throw wrong(key, 'give a text (numbers and true or false in quotes)')
    if (found === '') throw wrong(key, 'is empty; give a text, or leave the key out')
    return found
  }

  return {
    text,
    path(key) {
      const found = text(key)
      return found === undefined ? undefined : resolve(dirname(file), found)
    },
    list(key) {
      const found = values[key]
      if (found === undefined || found === null) return undefined
      if (Array.isArray(found) && found.length > 0 && found.every((item) => typeof item === 'string')) return found
      throw wrong(key, 'give a list of texts')
    },
    level(key, inner) {
      const found = values[key]
      return found === undefined || found === null ? undefined : levelOf(file, `${prefix}${key}.`, found, inner)
    },
    wrong,
  }
}

function invalid(message: string): DrawbridgeError {
  return new DrawbridgeError('ERR_CONFIG', message)
}
