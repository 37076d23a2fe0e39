/** A token of TypeScript source, as far as the laws need it: comments are gone, literals are whole. */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'regex' | 'mark'
  /** A string's text is its content, without quotes. */
  readonly text: string
  readonly line: number
}

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\d[\w.]*/y
const STRING = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const BLANK = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)+/y
/** After these words a slash begins a regular expression. */
const BEFORE_REGEX = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'await',
  'yield',
  'delete',
  'void',
  'throw',
  'else',
])

/** Splits source into tokens. The inside of `${…}` in a template is split too: code there can import. */
export function tokens(source: string): readonly Token[] {
  const list: Token[] = []
  let at = 0
  let line = 1

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text === undefined) return undefined
    at += text.length
    return text
  }
  function add(kind: Token['kind'], raw: string, text = raw): void {
    list.push({ kind, text, line })
    line += raw.split('\n').length - 1
  }
  function template(): void {
    const start = at++
    while (at < source.length && source[at] !== '`') {
      if (source[at] === '\\') at += 2
      else if (source.startsWith('${', at)) {
        at += 2
        code('}')
      } else {
        if (source[at] === '\n') line++
        at++
      }
    }
    at++
    list.push({ kind: 'template', text: source.slice(start, at), line })
  }
  function code(until?: string): void {
    let depth = 0
    while (at < source.length) {
      const blank = take(BLANK)
      if (blank !== undefined) line += blank.split('\n').length - 1
      const char = source[at]
      if (char === undefined) return
      if (char === '{') depth++
      if (char === '}' && depth-- === 0 && until === '}') {
        at++
        return
      }
      next(char)
    }
  }
  function next(char: string): void {
    if (char === '`') return template()
    const word = take(WORD) ?? take(NUMBER)
    if (word !== undefined) return add('word', word)
    const string = take(STRING)
    if (string !== undefined) return add('string', string, string.slice(1, -1))
    const regex = char === '/' && regexMayBegin(list.at(-1)) ? take(REGEX) : undefined
    if (regex !== undefined) return add('regex', regex)
    at++
    add('mark', char)
  }

  code()
  return list
}

function regexMayBegin(before: Token | undefined): boolean {
  if (before === undefined) return true
  if (before.kind === 'word') return BEFORE_REGEX.has(before.text)
  return before.kind === 'mark' && before.text !== ')' && before.text !== ']' && before.text !== '}'
}
