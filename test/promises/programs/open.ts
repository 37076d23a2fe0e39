import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../../src/core/errors.ts'
import { connect } from '../../../src/index.ts'

/** Connects as a supervised program does, which is started again where the store was busy. */
export async function connectPatiently(url: string): ReturnType<typeof connect> {
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      if (!hasCode(error, 'ERR_STORE_BUSY')) throw error
      await sleep(100)
    }
  }
}
