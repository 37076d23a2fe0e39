import { test } from '@jest/globals'

/** A test that cannot run here. The reason is part of its name, and `npm test` prints it at the end. */
export function skippedTest(name: string, reason: string, run: () => Promise<void> | void): void {
  test.skip(`${name} (skipped: ${reason})`, run)
}

/** A test that runs where `reason` is undefined. */
export function testUnless(
  reason: string | undefined,
  name: string,
  run: () => Promise<void> | void,
  timeoutMs?: number,
): void {
  if (reason === undefined) test(name, run, timeoutMs)
  else skippedTest(name, reason, run)
}
