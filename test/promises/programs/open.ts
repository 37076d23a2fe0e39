import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../../src/core/errors.ts'
import { connect } from '../../../src/index.ts'

/** Connects as a supervised program does, which is started again where the store was busy. */
export function connectPatiently(url: string): ReturnType<typeof connect> {
  return patiently(() => connect(url))
}

/** Tries again while the store is busy: on a loaded machine others may have its lock for over two seconds. */
export async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!hasCode(error, 'ERR_STORE_BUSY')) throw error
      await sleep(100)
    }
  }
}
