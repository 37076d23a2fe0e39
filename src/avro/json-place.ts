/** One token of RFC 8259; what is not a token is the error. Text ends where a control character stands in it. */
const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/uy
const SPACE = /[ \t\n\r]*/y

/** Where a text stops being JSON: line and column from 1. V8 names the place of some errors only. */
export function jsonErrorPlace(text: string): { readonly line: number; readonly column: number } {
  const before = text.slice(0, errorOffset(text)).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}

function errorOffset(text: string): number {
  const open: string[] = []
  let expected = 'value'
  let offset = 0
  for (;;) {
    TOKEN.lastIndex = offset
    const match = TOKEN.exec(text)
    const next = match === null ? null : after(match[1] ?? (match[2] === undefined ? 'scalar' : 'text'), expected, open)
    if (match === null || next === null) {
      SPACE.lastIndex = offset
      return offset + (SPACE.exec(text)?.[0].length ?? 0)
    }
    expected = next
    offset = TOKEN.lastIndex
  }
}

/** What is expected after a token; null where the token is the error. */
function after(token: string, expected: string, open: string[]): string | null {
  if (token === '{' || token === '[') {
    if (!expected.startsWith('value')) return null
    open.push(token)
    return token === '{' ? 'key or }' : 'value or ]'
  }
  if (token === '}' || token === ']') {
    const closes = open.at(-1) === (token === '}' ? '{' : '[')
    if (!closes || !(expected === 'comma' || expected.endsWith(`or ${token}`))) return null
    open.pop()
    return open.length === 0 ? 'end' : 'comma'
  }
  if (token === ',') return expected === 'comma' ? (open.at(-1) === '{' ? 'key' : 'value') : null
  if (token === ':') return expected === 'colon' ? 'value' : null
  if (expected.startsWith('key')) return token === 'text' ? 'colon' : null
  if (!expected.startsWith('value')) return null
  return open.length === 0 ? 'end' : 'comma'
}
