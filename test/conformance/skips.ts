import type { SourceTree } from '../kit/source-tree.ts'
import type { BackendUnderTest } from './under-test.ts'

export interface Missing {
  readonly reason: string
  /** Listed in REQUIRE_BACKENDS: its absence is a failure. */
  readonly required: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** Why the suite cannot run on a backend here; undefined where it can. */
export function backendMissing(
  backend: Pick<BackendUnderTest, 'name' | 'variable'>,
  env: Environment,
): Missing | undefined {
  const { name, variable } = backend
  if (variable === null || (env[variable] ?? '') !== '') return undefined
  const reason = `${variable} is not set; \`npm run brokers -- up ${name}\` starts one and prints it`
  return { reason, required: requiredBackends(env).includes(name) }
}

/** The backends that REQUIRE_BACKENDS names. */
export function requiredBackends(env: Environment): readonly string[] {
  return (env['REQUIRE_BACKENDS'] ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
}

/** Why a backend leaves a test out; undefined where it does not. */
export function skipReason(backend: Pick<BackendUnderTest, 'skip'>, theme: string, test: string): string | undefined {
  return backend.skip.find((skip) => skip.test === `${theme}: ${test}`)?.reason
}

/** Skips that name no test of the suite, or give no reason: a deviation that is gone, or never was. */
export function skipBreaches(
  backends: readonly Pick<BackendUnderTest, 'name' | 'skip'>[],
  tests: ReadonlySet<string>,
): readonly string[] {
  return backends.flatMap(({ name, skip }) =>
    skip.flatMap(({ test, reason }) => {
      if (!tests.has(test)) return [`${name} skips ${JSON.stringify(test)}, and no test has that name`]
      return reason.trim() === '' ? [`${name} skips ${JSON.stringify(test)} without a reason`] : []
    }),
  )
}

/** `THEME: TEST` of every scenario, read from the sources: a run of one file knows only its own. */
export function scenarioNames(tree: SourceTree): ReadonlySet<string> {
  const names = new Set<string>()
  for (const source of tree.values()) {
    const theme = /^onEveryBackend\(\s*'([^']+)'/m.exec(source)?.[1]
    if (theme === undefined) continue
    for (const [, test] of source.matchAll(/^\s+it\(\s*'([^']+)'/gm)) names.add(`${theme}: ${test}`)
  }
  return names
}
