import { printable } from './output.ts'

/** Level of a warning in pino's lines. */
const WARNING = 40
/** What tells a person where it happened, in this order. */
const PLACE = ['code', 'topic', 'partition', 'offset', 'attempt', 'file', 'line', 'url'] as const

/**
 * A connector's log line for people, where something went wrong: `NAME: message (topic t, partition 0, offset 5): cause`,
 * one line whatever it holds. Undefined for what is no warning; a line that is no JSON after all is told as it is.
 */
export function logSentence(line: string): string | undefined {
  const fields = parseLog(line)
  if (fields === undefined) return printable(`connect: ${line}`)
  const { level, connector, msg, error } = fields
  if (Number(level) < WARNING) return undefined
  const place = PLACE.flatMap((name) => {
    const value = fields[name]
    return typeof value === 'string' || typeof value === 'number' ? [`${name} ${shown(name, String(value))}`] : []
  })
  const where = place.length === 0 ? '' : ` (${place.join(', ')})`
  const why = typeof error === 'string' && error !== '' ? `: ${error}` : ''
  return printable(`${text(connector, 'connect')}: ${text(msg, 'something went wrong')}${where}${why}`)
}

function shown(name: (typeof PLACE)[number], value: string): string {
  if (name !== 'url') return value
  if (!URL.canParse(value)) return value.replace(/[?#].*$/s, '')
  const { protocol, host, pathname } = new URL(value)
  return `${protocol}//${host}${pathname}`
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function parseLog(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = JSON.parse(line) as unknown
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
