import { stripVTControlCharacters } from 'node:util'

/** Characters of a failure that the closing list shows. */
const SAID_LENGTH = 300

/** The part of Jest's JSON result that decides. */
export interface JestResult {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  /** Files that could not be run at all. */
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly {
    readonly name: string
    /** What kept the file from being run, or its failures. */
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      /** What each failure said, with its stack; in colours where Jest writes to a terminal. */
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

export interface TestVerdict {
  readonly exitCode: number
  readonly remarks: readonly string[]
}

/** Whether the run counts as green: tests ran, none failed, no file was lost, and Jest agrees. */
export function judge(result: JestResult | undefined, jestExit: number | null): TestVerdict {
  if (result === undefined)
    return { exitCode: 1, remarks: [`Jest ended without a result (exit ${jestExit ?? 'by a signal'})`] }
  const remarks = [...skippedTests(result), ...failedTests(result)]
  if (result.numRuntimeErrorTestSuites > 0) {
    remarks.push(`test files that could not be run, each a failure: ${result.numRuntimeErrorTestSuites}`)
  }
  const ran = result.numPassedTests + result.numFailedTests
  if (ran === 0) remarks.push('no test ran: that is a failure')
  const green = jestExit === 0 && ran > 0 && failures(result) === 0
  return { exitCode: green ? 0 : 1, remarks }
}

/** Files whose process a fault in native code ended, so that nothing is known of them. */
export function diedFiles(result: JestResult | undefined): readonly string[] {
  return (result?.testResults ?? [])
    .filter(({ message }) =>
      /worker process .* was terminated by another process: signal=SIG(SEGV|TRAP|ABRT|BUS|ILL)/.test(message),
    )
    .map(({ name }) => name)
}

/** The first run with the files that died replaced by their second run. */
export function merged(first: JestResult, second: JestResult, died: readonly string[]): JestResult {
  const sum = (count: (result: JestResult) => number) => count(first) + count(second)
  return {
    numPassedTests: sum((result) => result.numPassedTests),
    numFailedTests: sum((result) => result.numFailedTests),
    numPendingTests: sum((result) => result.numPendingTests),
    numTodoTests: sum((result) => result.numTodoTests),
    numRuntimeErrorTestSuites: sum((result) => result.numRuntimeErrorTestSuites) - died.length,
    testResults: [...first.testResults.filter(({ name }) => !died.includes(name)), ...second.testResults],
  }
}

export function closingLine(result: JestResult | undefined): string {
  const { numPassedTests = 0, numPendingTests = 0, numTodoTests = 0 } = result ?? {}
  return `${numPassedTests} passed, ${result === undefined ? 1 : failures(result)} failed, ${numPendingTests + numTodoTests} skipped`
}

function failures(result: JestResult): number {
  return result.numFailedTests + result.numRuntimeErrorTestSuites
}

/** At the end once more, where who reads only the last lines of a long output finds it. */
function failedTests(result: JestResult): string[] {
  return result.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'failed')
      .map(
        (test) =>
          `failed: ${file.name.slice(file.name.indexOf('/test/') + 1)}: ${test.fullName}: ${said(test.failureMessages)}`,
      ),
  )
}

/** The first words of a failure, on one line. */
function said(failures: readonly string[] = []): string {
  return stripVTControlCharacters(failures.join(' ')).replace(/\s+/g, ' ').trim().slice(0, SAID_LENGTH)
}

/** Their names carry the reason: see skip.ts. Tests that only a name pattern on the command line left out are counted. */
function skippedTests(result: JestResult): string[] {
  const skipped = result.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'pending' || test.status === 'todo')
      .map((test) => test.fullName),
  )
  const reasoned = skipped.filter((name) => name.includes('(skipped: '))
  const remarks = reasoned.map((name) => `skipped: ${name}`)
  const others = skipped.length - reasoned.length
  if (others > 0) remarks.push(`skipped: ${others} not chosen on the command line`)
  return remarks
}
