import type { Broker, ReadOptions } from '../core/broker.ts'
import { hasCode } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { Topic } from '../core/topic.ts'
import type { Globals } from './globals.ts'
import { output, printable } from './output.ts'

/** Prints a message; false once nobody reads any more. */
export type Print = (message: Message<unknown>) => Promise<boolean>

/** A line a message: an envelope with `--json`, else place, time, key, value and headers. */
export async function printerOf(topic: Topic<unknown>, globals: Globals): Promise<Print> {
  const { envelopeOf } = await import('./envelope.ts')
  if (globals.json) return (message) => output.data(envelopeOf(message, topic.value))
  return (message) => {
    const { partition, offset, timestamp, key, value, headers } = envelopeOf(message, topic.value)
    const shown = [`${partition}:${offset}`, timestamp, key === null ? '-' : text(key), JSON.stringify(value)]
    if (headers.length > 0) shown.push(JSON.stringify(headers))
    return output.line(printable(shown.join('  ')))
  }
}

function text(key: string | { readonly base64: string }): string {
  return typeof key === 'string' ? key : JSON.stringify(key)
}

/** Reads without a group and prints, until the range ends, the limit is reached, the signal aborts or nobody reads any more. */
export async function printRange(
  broker: Broker,
  topic: Topic<unknown>,
  options: ReadOptions & { readonly limit: number; readonly print: Print; readonly signal: AbortSignal },
): Promise<void> {
  const { limit, print, ...range } = options
  let printed = 0
  try {
    for await (const message of broker.read(topic, range)) {
      if (!(await print(message))) return
      if (++printed >= limit) return
    }
  } catch (error) {
    if (!options.signal.aborted || !hasCode(error, 'ERR_ABORTED')) throw error
  }
}
