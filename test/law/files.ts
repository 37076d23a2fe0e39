import type { SourceTree } from '../kit/source-tree.ts'
import { tokens } from './tokens.ts'

const MAX_LINES = 300
const GENERATED = /^\/\/ .*generated/i

/** Files longer than the house allows; generated ones may be. */
export function lengthBreaches(tree: SourceTree): readonly string[] {
  return [...tree].flatMap(([path, text]) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (lines <= MAX_LINES || GENERATED.test(text)) return []
    return [`${path}: ${lines} lines, ${MAX_LINES} is the most; split it by nouns`]
  })
}

const LEFT_OUT_MEMBERS = new Set(['only', 'skip', 'todo', 'failing'])
const LEFT_OUT_NAMES = new Set(['xit', 'xtest', 'xdescribe', 'fit', 'fdescribe'])
/** The one place that may skip, because it demands a reason. */
const SKIPPER = 'test/kit/skip.ts'

/** Tests that are left out, or that leave others out. */
export function leftOutBreaches(tree: SourceTree): readonly string[] {
  const breaches: string[] = []
  for (const [path, text] of tree) {
    if (path === SKIPPER) continue
    const list = tokens(text)
    for (const [index, token] of list.entries()) {
      const member =
        list[index - 1]?.text === '.' && LEFT_OUT_MEMBERS.has(token.text) && TEST_WORDS.has(list[index - 2]?.text ?? '')
      const name = LEFT_OUT_NAMES.has(token.text) && list[index + 1]?.text === '('
      if (token.kind === 'word' && (member || name)) {
        breaches.push(
          `${path}:${token.line}: ${member ? '.' : ''}${token.text}; use skippedTest of ${SKIPPER}, with a reason`,
        )
      }
    }
  }
  return breaches
}
const TEST_WORDS = new Set(['test', 'it', 'describe', 'each', 'concurrent'])

// In two pieces, so that this file keeps its own law.
const UNFINISHED = new RegExp(`\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`)

/** Notes to oneself that belong into an issue. */
export function unfinishedBreaches(tree: SourceTree): readonly string[] {
  return [...tree].flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => (UNFINISHED.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )
}
