/** Line width of the project's biome.json. */
const WIDTH = 120
const SHORT_KEY = 5
const KEY = /^[A-Za-z_$][A-Za-z0-9_$]*$/

/**
 * A JSON value as a TypeScript literal in Biome's own format. Objects stand one property per line, arrays on one line
 * where they fit and hold no object. `column` is where the text begins, `after` how many characters follow its end.
 */
export function literalText(json: unknown, column: number, after: number, indent = ''): string {
  if (Array.isArray(json)) return arrayText(json, column, after, indent)
  if (typeof json === 'object' && json !== null) {
    const inner = `${indent}  `
    const lines = Object.entries(json).map(([key, value]) => {
      const name = key === '__proto__' ? `['__proto__']` : KEY.test(key) ? key : quote(key)
      const text = literalText(value, inner.length + name.length + 2, 1, inner)
      // A text that does not fit behind its key goes to the next line, unless the key is about as short as the indent.
      const breaks =
        typeof value === 'string' &&
        name.length >= SHORT_KEY &&
        inner.length + name.length + 2 + text.length + 1 > WIDTH
      return `${inner}${name}:${breaks ? `\n${inner}  ` : ' '}${text},\n`
    })
    return lines.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`
  }
  return typeof json === 'string' ? quote(json) : JSON.stringify(json).replace('e+', 'e')
}

function arrayText(items: readonly unknown[], column: number, after: number, indent: string): string {
  const line = `[${items.map((item) => literalText(item, 0, 0)).join(', ')}]`
  if (!line.includes('\n') && !isMatrix(items) && column + line.length + after <= WIDTH) return line
  const inner = `${indent}  `
  const texts = items.map((item) => literalText(item, inner.length, 1, inner))
  return `[\n${items.every((item) => typeof item === 'number') ? filled(texts, inner) : texts.map((text) => `${inner}${text},\n`).join('')}${indent}]`
}

/** Biome breaks an array of arrays even where it would fit. */
function isMatrix(items: readonly unknown[]): boolean {
  return items.length > 1 && items.every((item) => Array.isArray(item) && item.length > 1)
}

/** Numbers share lines. */
function filled(texts: readonly string[], indent: string): string {
  let out = ''
  let line = indent
  for (const text of texts) {
    if (line !== indent && line.length + text.length + 2 > WIDTH) {
      out += `${line}\n`
      line = indent
    }
    line += `${line === indent ? '' : ' '}${text},`
  }
  return `${out}${line}\n`
}

/** Single quotes, unless double ones need fewer escapes. */
function quote(text: string): string {
  const body = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
  const single = text.split("'").length
  const double = text.split('"').length
  return single > double ? `"${body.replaceAll('"', '\\"')}"` : `'${body.replaceAll("'", "\\'")}'`
}
