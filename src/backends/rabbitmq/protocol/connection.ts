import type { Socket } from 'node:net'
import { CODES, COMMANDS, type Command, meaningOf, refusal, RESPONSE, VERSION, writeOffsetSpec } from './commands.ts'
import { createFrameSplitter } from './frames.ts'
import { type Address, openSocket } from './socket.ts'
import type { PublisherHandler, RawConnection, SubscriptionHandler } from './stream-connection.ts'
import { createCursor, createOutput, type Cursor, malformed, type Output } from './wire.ts'

/** A chunk is as large as what the broker wrote at once; beyond this it is taken for garbage. */
const MAX_INCOMING_FRAME_BYTES = 256 * 1_048_576
export const REQUEST_TIMEOUT_MS = 10_000
/**
 * Once logged in, heartbeats tell a dead broker. A live one may think for long: while a node of its cluster stands still,
 * it asks that one first, 7 s at a time.
 */
const ANSWER_TIMEOUT_MS = 60_000
/**
 * While RabbitMQ's connection process waits for its coordinator, its heart does not beat: after Subscribe, which is answered before,
 * and therefore followed by Partitions as a barrier, and in Unsubscribe.
 */
const COORDINATED: readonly Command[] = ['Subscribe', 'Partitions', 'Unsubscribe']
/** The broker notices an end without a goodbye, too. */
const GOODBYE_TIMEOUT_MS = 2_000
/** Bytes waiting in the socket beyond which writers should wait. */
const HIGH_WATER_BYTES = 4 * 1_048_576

interface Waiting {
  readonly command: Command
  resolve(cursor: Cursor): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/** Connects the socket only; `handshake.ts` makes a connection of use of it. */
export async function openConnection(
  address: Address,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<RawConnection> {
  return createConnection(address, await openSocket(address, timeoutMs, signal))
}

function createConnection(address: Address, socket: Socket): RawConnection {
  const out = createOutput()
  const waiting = new Map<number, Waiting>()
  const subscriptions = new Map<number, SubscriptionHandler>()
  const publishers = new Map<number, PublisherHandler>()
  const metadataListeners = new Set<(stream: string, code: number) => void>()
  const closed = Promise.withResolvers<Error>()
  const tuned = Promise.withResolvers<{ frameMax: number; heartbeatSeconds: number }>()
  tuned.promise.catch(() => undefined)
  let correlation = 0
  let failure: Error | undefined
  let frameMax = 0
  let patienceMs = REQUEST_TIMEOUT_MS
  let peer: ReadonlyMap<string, string> = new Map()
  let heartbeat: NodeJS.Timeout | undefined
  let heardAt = performance.now()
  let closing: Promise<void> | undefined
  let drains: (() => void)[] = []

  const splitter = createFrameSplitter(MAX_INCOMING_FRAME_BYTES, onFrame)
  socket.on('data', (bytes) => {
    heardAt = performance.now()
    try {
      splitter.push(bytes)
    } catch (error) {
      destroy(error as Error)
    }
  })
  socket.on('error', destroy)
  socket.on('close', () => destroy(new Error('the connection was closed by the other side')))
  socket.on('drain', wakeWriters)

  const connection: RawConnection = {
    address,
    get frameMax() {
      return frameMax
    },
    get peer() {
      return peer
    },
    get failure() {
      return failure
    },
    closed: closed.promise,
    tuned: tuned.promise,
    subscriptions,
    publishers,
    metadataListeners,
    request,
    command,
    write,
    drained: async () => {
      if (failure === undefined && socket.writableLength > HIGH_WATER_BYTES)
        await new Promise<void>((resolve) => drains.push(resolve))
    },
    close: () => (closing ??= close()),
    destroy,
    agree(max, heartbeatSeconds, properties) {
      frameMax = max
      peer = properties
      if (heartbeatSeconds === 0 || failure !== undefined) return
      patienceMs = ANSWER_TIMEOUT_MS
      beat(heartbeatSeconds * 1_000)
    },
  }
  return connection

  function begin(key: number, version: number): void {
    out.at = 0
    out.u32(0)
    out.u16(key)
    out.u16(version)
  }

  function send(): void {
    out.bytes.writeUInt32BE(out.at - 4, 0)
    write(out.finish())
  }

  function write(frames: Buffer): void {
    if (failure === undefined) socket.write(frames)
  }

  function command(command: Command, write: (out: Output) => void, version = VERSION): void {
    begin(COMMANDS[command], version)
    write(out)
    send()
  }

  function request(command: Command, write: (out: Output) => void, timeoutMs = patienceMs): Promise<Cursor> {
    if (failure !== undefined) return Promise.reject(failure)
    correlation = (correlation + 1) % 0x7fffffff
    const id = correlation
    begin(COMMANDS[command], VERSION)
    out.u32(id)
    write(out)
    send()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => destroy(new Error(`${command} was not answered within ${timeoutMs} ms`)),
        timeoutMs,
      )
      waiting.set(id, { command, resolve, reject, timer })
    })
  }

  function onFrame(frame: Buffer): void {
    const cursor = createCursor(frame)
    const key = cursor.u16()
    const version = cursor.u16()
    if ((key & RESPONSE) !== 0) onResponse(key & ~RESPONSE, cursor)
    else onCommand(key, version, cursor)
  }

  function onResponse(key: number, cursor: Cursor): void {
    if (key === COMMANDS.Credit) {
      const code = cursor.u16()
      subscriptions.get(cursor.u8())?.onRefused(code)
      return
    }
    const id = cursor.u32()
    const found = waiting.get(id)
    if (found === undefined || COMMANDS[found.command] !== key) return
    waiting.delete(id)
    clearTimeout(found.timer)
    // Metadata has its codes by stream.
    const code = key === COMMANDS.Metadata ? CODES.OK : cursor.u16()
    if (code === CODES.OK) found.resolve(cursor)
    else found.reject(refusal(found.command, code))
  }

  function onCommand(key: number, version: number, cursor: Cursor): void {
    switch (key) {
      case COMMANDS.Deliver: {
        if (version !== 1) throw malformed(`Deliver of version ${version}`)
        subscriptions.get(cursor.u8())?.onChunk(cursor.bytes.subarray(cursor.at))
        return
      }
      case COMMANDS.PublishConfirm: {
        const publisher = publishers.get(cursor.u8())
        publisher?.onConfirm(cursor, cursor.count(8))
        return
      }
      case COMMANDS.PublishError: {
        const publisher = publishers.get(cursor.u8())
        for (let left = cursor.count(10); left > 0; left--) publisher?.onError(cursor.u64(), cursor.u16())
        return
      }
      case COMMANDS.MetadataUpdate: {
        const code = cursor.u16()
        const stream = cursor.string()
        for (const listener of metadataListeners) listener(stream, code)
        return
      }
      case COMMANDS.ConsumerUpdate: {
        const id = cursor.u32()
        void answerConsumerUpdate(id, cursor.u8(), cursor.u8() === 1)
        return
      }
      case COMMANDS.Tune:
        tuned.resolve({ frameMax: cursor.u32(), heartbeatSeconds: cursor.u32() })
        return
      case COMMANDS.Close: {
        const id = cursor.u32()
        const code = cursor.u16()
        const reason = cursor.string()
        respond(COMMANDS.Close, id, () => undefined)
        destroy(new Error(`RabbitMQ closed the connection: ${reason || meaningOf(code)} (code ${code})`))
        return
      }
      default:
        // Heartbeats, and commands of later versions: nothing to be done.
        return
    }
  }

  function respond(key: number, id: number, write: (out: Output) => void): void {
    begin(key | RESPONSE, VERSION)
    out.u32(id)
    out.u16(CODES.OK)
    write(out)
    send()
  }

  async function answerConsumerUpdate(id: number, subscription: number, active: boolean): Promise<void> {
    try {
      const spec = (await subscriptions.get(subscription)?.onConsumerUpdate(active)) ?? 'none'
      respond(COMMANDS.ConsumerUpdate, id, (out) => writeOffsetSpec(out, spec))
    } catch (error) {
      // Without an answer the broker would wait for ever; without this connection it asks another member.
      destroy(error as Error)
    }
  }

  function beat(everyMs: number): void {
    heartbeat = setInterval(() => {
      // Sooner than the broker, which gives our partitions away after twice the interval; where it is held up, as long as it
      // would wait for us itself.
      const patience = everyMs * (isCoordinating() ? 3 : 1.5)
      if (performance.now() - heardAt > patience) destroy(new Error(`no heartbeat for ${patience} ms`))
      else command('Heartbeat', () => undefined)
    }, everyMs / 2)
    heartbeat.unref()
  }

  function isCoordinating(): boolean {
    return [...waiting.values()].some(({ command }) => COORDINATED.includes(command))
  }

  function wakeWriters(): void {
    const woken = drains
    drains = []
    for (const wake of woken) wake()
  }

  async function close(): Promise<void> {
    if (failure === undefined) {
      const goodbye = request(
        'Close',
        (body) => {
          body.u16(CODES.OK)
          body.string('closed by the client')
        },
        GOODBYE_TIMEOUT_MS,
      )
      await goodbye.catch(() => undefined)
    }
    destroy(new Error('the connection was closed'))
  }

  function destroy(why: Error): void {
    if (failure !== undefined) return
    failure = why
    clearInterval(heartbeat)
    socket.destroy()
    for (const { timer, reject } of waiting.values()) {
      clearTimeout(timer)
      reject(why)
    }
    waiting.clear()
    tuned.reject(why)
    wakeWriters()
    closed.resolve(why)
  }
}
