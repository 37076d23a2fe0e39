import { describe, expect, it } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import type { Registry } from '../../src/registry/registry.ts'
import { skippedTest } from '../kit/skip.ts'

/** A way to a registry that the test list runs on. */
export interface RegistryUnderTest {
  readonly name: string
  /** Why it cannot be had here. */
  readonly missing?: string | undefined
  /** Others use it at the same time: what is set for the whole registry would reach them. */
  readonly shared: boolean
  /** A connection of its own to one and the same registry; closed after the test. */
  connect(): Promise<Registry>
  close(): Promise<void>
  /** Where a foreign server does otherwise; printed with each run. */
  readonly skip: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

export interface RegistryBench {
  /** `private`: it changes what the whole registry goes by. */
  it(test: string, run: () => Promise<void>, needs?: 'private'): void
  connect(): Promise<Registry>
  /** A subject that no other test uses. */
  subject(): string
}

/** Runs the tests on each: the same code, the same expectations. */
export function onEveryRegistry(
  registries: readonly RegistryUnderTest[],
  hooks: { afterEach(run: () => Promise<void>): void; afterAll(run: () => Promise<void>): void },
  tests: (bench: RegistryBench) => void,
): void {
  for (const registry of registries) {
    describe(registry.name, () => {
      if (registry.missing !== undefined) {
        skippedTest('all', registry.missing, () => undefined)
        return
      }
      const opened: Registry[] = []
      const known = new Set<string>()
      hooks.afterEach(async () => void (await Promise.all(opened.splice(0).map((each) => each.close()))))
      hooks.afterAll(() => registry.close())
      tests({
        it(test, run, needs) {
          known.add(test)
          const deviation = registry.skip.find(({ tests }) => tests.includes(test))?.reason
          const reason =
            deviation ?? (needs === 'private' && registry.shared ? 'other tests use this registry, too' : undefined)
          if (reason === undefined) it(test, run)
          else skippedTest(test, reason, run)
        },
        async connect() {
          const connected = await registry.connect()
          opened.push(connected)
          return connected
        },
        subject: () => `subject-${randomBytes(5).toString('hex')}-value`,
      })
      const deviations = registry.skip.flatMap(({ tests: named }) => named)
      it('every-deviation-names-a-test', () => expect(deviations.filter((test) => !known.has(test))).toEqual([]))
    })
  }
}
