import { addAbortSignal } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Command } from 'commander'
import { EXIT } from '../connect/exit-codes.ts'
import type { Broker, SendOptions } from '../core/broker.ts'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../core/errors.ts'
import type { Topic } from '../core/topic.ts'
import { globalsOf, withBroker } from './globals.ts'
import { type Line, lineError, linesOf } from './lines.ts'
import { output } from './output.ts'
import { watchInterruption } from './signals.ts'

export function addProduce(program: Command): void {
  program
    .command('produce <topic>')
    .description('send what stands on standard input, one JSON value a line')
    .option('--envelope', 'each line is {key, value, headers, timestamp, partition}, as `consume --json` prints it')
    .addHelpText(
      'after',
      `
It stops at the first line that does not fit and names it; the lines before are sent. Interrupted, it waits for what is
under way and says how many were sent.

Examples:
  echo '{"id":"o-1","total":12.5}' | drawbridge produce orders
  drawbridge consume orders --to end --json | drawbridge produce orders.copy --envelope`,
    )
    .action((topic: string, options: { envelope?: boolean }, command: Command) =>
      produce(topic, options.envelope === true, command),
    )
}

/** Records and bytes of input sent and not yet acknowledged. */
const MAX_UNDER_WAY = 5_000
const MAX_BYTES_UNDER_WAY = 16 * 1_048_576

async function produce(name: string, envelope: boolean, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const interruption = watchInterruption()
  await withBroker(globals, async (broker) => {
    const topic = await broker.topic(name)
    const parse = await parserOf(topic, envelope)
    const { sent, last, failure } = await sendLines(broker, topic, parse, interruption.signal)
    if (globals.json) await output.data({ topic: name, sent })
    else output.note(`${sent} record${sent === 1 ? '' : 's'} sent to ${name}`)
    if (failure !== undefined) throw failure
    if (interruption.signal.aborted) output.note(`interrupted after line ${last}; send the rest from there`)
  })
  // Unlike a consumer's, its end before the input's is not all that was asked for.
  if (interruption.signal.aborted) process.exitCode = interruption.exitCode() || EXIT.tryAgain
}

type Parse = (line: Line) => { readonly value: unknown; readonly options?: SendOptions }

async function parserOf(topic: Topic<unknown>, envelope: boolean): Promise<Parse> {
  const { parseEnvelope, parseValue } = await import('./envelope.ts')
  return ({ number, text }) => {
    try {
      const json = JSON.parse(text) as unknown
      return envelope ? parseEnvelope(json, topic.value) : { value: parseValue(json, topic.value) }
    } catch (error) {
      throw lineError(
        number,
        isDrawbridgeError(error) ? `does not fit: ${error.message}` : `is not JSON: ${errorText(error)}`,
        error,
      )
    }
  }
}

interface Sent {
  /** Acknowledged records. */
  readonly sent: number
  /** The last line that was read. */
  readonly last: number
  /** Of the first line that could not be sent. */
  readonly failure: Error | undefined
}

/** Sends until the input ends or a line cannot be sent; the lines before it are sent, and waited for. */
async function sendLines(broker: Broker, topic: Topic<unknown>, parse: Parse, signal: AbortSignal): Promise<Sent> {
  await using producer = broker.producer(topic)
  const underWay: { readonly bytes: number; readonly settled: Promise<void> }[] = []
  let bytesUnderWay = 0
  let sent = 0
  let failed: { readonly line: number; readonly error: Error } | undefined

  const fail = (line: number, error: Error) => {
    if (failed === undefined || line < failed.line) failed = { line, error }
  }
  const send = (line: Line) => {
    const { value, options } = parse(line)
    const settled = producer.send(value, options).then(
      () => void sent++,
      (error: unknown) => fail(line.number, sendError(line.number, error)),
    )
    const bytes = line.text.length
    bytesUnderWay += bytes
    underWay.push({ bytes, settled })
  }
  const awaitOldest = async () => {
    const oldest = underWay.shift()
    await oldest?.settled
    bytesUnderWay -= oldest?.bytes ?? 0
  }

  let last = 0
  try {
    for await (const line of linesOf(addAbortSignal(signal, process.stdin))) {
      if (failed !== undefined || signal.aborted) break
      last = line.number
      send(line)
      // What the producer refuses it refuses by now (the first line waits for its set-up, too): no later line goes before it is known.
      await (last === 1 ? awaitOldest() : nextTurn())
      while (underWay.length >= MAX_UNDER_WAY || bytesUnderWay > MAX_BYTES_UNDER_WAY) await awaitOldest()
    }
  } catch (error) {
    if (!signal.aborted || isDrawbridgeError(error))
      fail(isDrawbridgeError(error) ? Number(error.details['line'] ?? last) : last, error as Error)
  }
  while (underWay.length > 0) await awaitOldest()
  return { sent, last, failure: failed?.error }
}

function sendError(line: number, error: unknown): Error {
  if (!isDrawbridgeError(error)) return error as Error
  return new DrawbridgeError(error.code, `line ${line}: ${error.message}`, {
    cause: error,
    verdict: error.verdict,
    details: { ...error.details, line },
  })
}
