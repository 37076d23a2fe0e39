import type { SourceTree } from '../kit/source-tree.ts'

/** A test that the matrix names: `file.test.ts` or `file.test.ts: name of the test`, between backticks, from the folder `test`. */
export interface NamedTest {
  readonly file: string
  readonly name: string | undefined
}

const CITED = /`([\w./-]+\.test\.ts)(?:: ([^`]+))?`/g

/** Every test that a text in Markdown names. */
export function testsNamed(markdown: string): readonly NamedTest[] {
  return [...markdown.matchAll(CITED)].map(([, file = '', name]) => ({ file, name }))
}

/** Named tests that no file has: renamed or removed, so that the matrix promises what nothing proves. */
export function missingTests(named: readonly NamedTest[], tree: SourceTree): readonly string[] {
  return named.flatMap(({ file, name }) => {
    const text = tree.get(`test/${file}`)
    if (text === undefined) return [`${file}: no such file`]
    const quoted = name === undefined || [`'${name}'`, `"${name}"`, `\`${name}\``].some((form) => text.includes(form))
    return quoted ? [] : [`${file}: no test is called '${name}'`]
  })
}
