import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { openBackend } from '../../src/backends/open.ts'
import type { Backend } from '../../src/core/backend.ts'
import type { Log } from '../../src/core/log.ts'
import { type OpenBroker, openBroker } from '../../src/open-broker.ts'
import { skippedTest } from '../kit/skip.ts'
import { BACKENDS } from './backends.ts'
import { type GroupMember, type JoinOptions, joinGroup } from '../kit/group-member.ts'
import { backendMissing, skipReason } from './skips.ts'
import type { BackendUnderTest, Hooks } from './under-test.ts'

/** What a scenario works with: one broker of one kind, and as many connections to it as it asks for. */
export interface Bench {
  /** As Jest's, unless the backend under test declares that it deviates here. `timeoutMs` where a minute is not enough. */
  it(test: string, run: () => Promise<void> | void, timeoutMs?: number): void
  /** Names the broker; for connections by other processes. */
  url(): string
  /** A connection of its own; closed after the test. */
  connect(): Promise<OpenBroker>
  /** The same without core: the driver alone, behind the contract. */
  open(url?: string): Promise<Backend>
  /** A member of a group. After the test it is judged whether it was told everything in the order of the contract. */
  join(backend: Backend, options: JoinOptions): Promise<GroupMember>
  /** A name that no other test uses. */
  name(prefix: string): string
  /** What the connections logged, newest last. */
  readonly logged: readonly string[]
  readonly hooks: Hooks
}

/** Runs the scenarios on every backend there is, and on those given besides: the same code, the same expectations. */
export function onEveryBackend(
  theme: string,
  scenarios: (bench: Bench) => void,
  besides: readonly BackendUnderTest[] = [],
): void {
  for (const backend of [...BACKENDS, ...besides]) {
    const missing = backendMissing(backend, process.env)
    describe(`${theme} on ${backend.name}`, () => {
      if (missing === undefined) scenarios(createBench(theme, backend))
      else if (missing.required) it('is there', () => expect(missing.reason).toBe('reachable'))
      else skippedTest('all', missing.reason, () => undefined)
    })
  }
}

function createBench(theme: string, backend: BackendUnderTest): Bench {
  let url: string | undefined
  const open: { close(): Promise<void> }[] = []
  const members: GroupMember[] = []
  const logged: string[] = []
  const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { debug() {}, info: note, warn: note, error: note }
  const ownUrl = () => (url ??= backend.createUrl())

  async function kept<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
    const opened = await opening
    open.push(opened)
    return opened
  }

  async function closeAll(): Promise<void> {
    await Promise.allSettled(open.splice(0).map((opened) => opened.close()))
  }

  afterEach(async () => {
    await closeAll()
    expect(members.splice(0).flatMap((member) => member.breaches)).toEqual([])
  })
  afterAll(closeAll)

  return {
    it(test, run, timeoutMs) {
      const reason = skipReason(backend, theme, test)
      if (reason === undefined) it(test, run, timeoutMs)
      else skippedTest(test, reason, run)
    },
    url: ownUrl,
    connect: () => kept(openBroker(ownUrl(), { log })),
    open: (other) => kept(backend.open?.() ?? openBackend(other ?? ownUrl(), { log })),
    async join(connection, options) {
      const member = await joinGroup(connection, options)
      members.push(member)
      return member
    },
    name: (prefix) => `${prefix}-${randomBytes(4).toString('hex')}`,
    logged,
    hooks: backend.hooks,
  }
}
