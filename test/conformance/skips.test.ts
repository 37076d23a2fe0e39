import { describe, expect, it } from '@jest/globals'
import { BROKER_NAMES } from '../brokers/broker.ts'
import { readTree } from '../kit/source-tree.ts'
import { BACKENDS } from './backends.ts'
import { backendMissing, requiredBackends, scenarioNames, skipBreaches, skipReason } from './skips.ts'

describe('deviations of backends', () => {
  it('every-skip-names-a-test-and-a-reason', async () => {
    const tests = scenarioNames(await readTree('test/conformance'))
    expect(tests.size).toBeGreaterThan(30)
    expect(skipBreaches(BACKENDS, tests)).toEqual([])
  })

  it('everything-that-is-required-is-a-backend-or-another-server-of-the-workshop', () => {
    const known: readonly string[] = [...BACKENDS.map(({ name }) => name), ...BROKER_NAMES]
    expect(requiredBackends(process.env).filter((name) => !known.includes(name))).toEqual([])
  })

  it('finds a skip without a test or a reason', () => {
    const tests = scenarioNames(
      new Map([['a.test.ts', `onEveryBackend('theme', ({ it }) => {\n  it('one', run)\n  it(\n    'two',\n`]]),
    )
    expect([...tests]).toEqual(['theme: one', 'theme: two'])
    const skipping = (test: string, reason: string) => [{ name: 'x', skip: [{ test, reason }] }]
    expect(skipBreaches(skipping('theme: one', 'cannot'), tests)).toEqual([])
    expect(skipBreaches(skipping('theme: three', 'cannot'), tests)).toHaveLength(1)
    expect(skipBreaches(skipping('theme: one', ' '), tests)).toHaveLength(1)
    expect(skipReason({ skip: [{ test: 'theme: one', reason: 'cannot' }] }, 'theme', 'one')).toBe('cannot')
    expect(skipReason({ skip: [{ test: 'theme: one', reason: 'cannot' }] }, 'theme', 'two')).toBeUndefined()
  })

  it('a missing backend is a failure where it is required', () => {
    const backend = { name: 'x', variable: 'X_URL' }
    expect(backendMissing(backend, { X_URL: 'x:' })).toBeUndefined()
    expect(backendMissing({ ...backend, variable: null }, {})).toBeUndefined()
    expect(backendMissing(backend, { X_URL: '' })?.required).toBe(false)
    expect(backendMissing(backend, { REQUIRE_BACKENDS: 'y, x' })?.required).toBe(true)
  })
})
