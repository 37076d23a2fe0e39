import { DrawbridgeError } from '../core/errors.ts'

/** The contract's pull: one at a time, so that records cannot come in two orders. `what` is being pulled, as the error names it. */
export function onePull<T>(what: string, next: () => Promise<T>): () => Promise<T> {
  let pulling = false
  return async () => {
    if (pulling) {
      throw new DrawbridgeError('ERR_CONFIG', `${what} is being pulled already: wait for that pull first`)
    }
    pulling = true
    try {
      return await next()
    } finally {
      pulling = false
    }
  }
}
