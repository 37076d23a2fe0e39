import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { DrawbridgeError, errorText } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { closedError, fromPlain, storeFailed, withOutcome } from './errors.ts'
import { SHARED_WORDS, guardExit } from './gate.ts'
import { readHolder } from './holder.ts'
import type { Answer, Request, ResultOf, WriterData, WriterMessage } from './requests.ts'
import { CLAIMED, SLOTS, WAITING, WITHDRAWN } from './requests.ts'

/** How long a write waits for LMDB's lock before it is withdrawn. */
export const BUSY_MS = 2_000
const CLOSE_MS = 5_000

export interface WriterThread {
  /**
   * Resolves once committed and flushed. ERR_STORE_BUSY after BUSY_MS without LMDB's lock (known not written),
   * ERR_STORE_FULL, ERR_STORE_FAILED, ERR_CLOSED, and what the request itself raises.
   */
  send<R extends Request>(request: R, transfer?: readonly ArrayBuffer[]): Promise<ResultOf<R>>
  /** Finishes what has been sent, lets go of the store, ends the thread. */
  close(): Promise<void>
}

interface Pending {
  readonly sentAt: number
  readonly kind: Request['kind']
  resolve(value: unknown): void
  reject(error: DrawbridgeError): void
}

/** Starts the writer and waits until it has opened the store. `onFailed` is called once, should the store fail later. */
export async function openWriterThread(
  dir: string,
  log: Log,
  onFailed: (error: DrawbridgeError) => void,
): Promise<WriterThread> {
  const claims = new Int32Array(new SharedArrayBuffer(SHARED_WORDS * 4))
  const data: WriterData = { dir, claims: claims.buffer }
  // The npm package is compiled, the clone is not: the worker has this file's own extension.
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  if (extension === '.ts') keepWasmCode()
  const worker = new Worker(new URL(`./writer${extension}`, import.meta.url), { workerData: data })
  const unguard = guardExit(claims)
  const pending = new Map<number, Pending>()
  const opened = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<void>()
  let busyTimer: NodeJS.Timeout | undefined
  let openTimer: NodeJS.Timeout | undefined
  let isOpen = false
  let failed: DrawbridgeError | undefined
  let closing: Promise<void> | undefined
  let lastId = 0

  worker.on('message', receive)
  worker.on('error', (error: unknown) =>
    fail(storeFailed(dir, `its writer thread died (${errorText(error)})`, 'unknown', error)),
  )
  worker.on('exit', () => {
    unguard()
    if (closing === undefined) fail(storeFailed(dir, 'its writer thread ended', 'unknown'))
    exited.resolve()
  })
  await opened.promise
  return { send, close: () => (closing ??= close()) }

  function receive(message: WriterMessage): void {
    if (message.kind === 'answers') for (const answer of message.answers) settle(answer)
    else if (message.kind === 'opening') openTimer = setTimeout(() => fail(busy()), BUSY_MS)
    else if (message.kind === 'failed') fail(fromPlain(message.error))
    else if (message.kind === 'ready') {
      clearTimeout(openTimer)
      isOpen = true
      opened.resolve()
      // The lock came after all, but nobody waits for this thread any more.
      if (failed !== undefined) worker.postMessage('close', [])
    }
  }

  function settle(answer: Answer): void {
    Atomics.store(claims, answer.id % SLOTS, 0)
    const request = pending.get(answer.id)
    pending.delete(answer.id)
    if (request === undefined) return
    if (answer.ok) return request.resolve(answer.value)
    if (answer.error === 'withdrawn') return
    const error = fromPlain(answer.error)
    request.reject(error)
    if (error.code === 'ERR_STORE_FAILED' && error.details['outcome'] === 'unknown') fail(error)
  }

  async function send<R extends Request>(request: R, transfer: readonly ArrayBuffer[] = []): Promise<ResultOf<R>> {
    if (closing !== undefined) throw closedError(dir)
    if (failed !== undefined) throw withOutcome(failed, 'not-written')
    const id = lastId + 1
    if (Atomics.compareExchange(claims, id % SLOTS, 0, WAITING) !== 0) throw busy()
    lastId = id
    return new Promise<ResultOf<R>>((resolve, reject) => {
      pending.set(id, {
        sentAt: performance.now(),
        kind: request.kind,
        resolve: (value) => resolve(value as ResultOf<R>),
        reject,
      })
      worker.postMessage({ id, request }, transfer)
      busyTimer ??= setTimeout(withdrawLate, BUSY_MS)
    })
  }

  /**
   * Withdraws what has waited too long. A request the writer has claimed is being written and cannot be withdrawn: its
   * answer is waited for, as only the answer is the truth.
   */
  function withdrawLate(): void {
    busyTimer = undefined
    const now = performance.now()
    for (const [id, request] of pending) {
      const left = request.sentAt + BUSY_MS - now
      if (left > 0) {
        busyTimer = setTimeout(withdrawLate, left)
        return
      }
      if (Atomics.compareExchange(claims, id % SLOTS, WAITING, WITHDRAWN) !== WAITING) continue
      pending.delete(id)
      request.reject(busy())
    }
  }

  function busy(): DrawbridgeError {
    const { pid, isHere } = readHolder(dir) ?? {}
    const elsewhere = isHere === false ? ' of another container or machine' : ''
    const who =
      pid === undefined
        ? 'an unknown process'
        : pid === process.pid && isHere === true
          ? 'this process'
          : `process ${pid}${elsewhere}`
    return new DrawbridgeError(
      'ERR_STORE_BUSY',
      `the store in ${dir} has been locked by ${who} for over ${BUSY_MS} ms, nothing has been written: resume or end that process (kill -CONT, kill -9), then try again`,
      { details: { dir, pid, outcome: 'not-written' } },
    )
  }

  function fail(error: DrawbridgeError): void {
    if (failed !== undefined || closing !== undefined) return
    failed = error
    clearTimeout(openTimer)
    clearTimeout(busyTimer)
    opened.reject(error)
    // Where opening failed, the thread may still wait for the lock; it must not keep the process alive.
    worker.unref()
    rejectAll(error)
    // Who opens it gets the rejection; nobody else knows of the store yet.
    if (isOpen) onFailed(error)
  }

  /** A request that can still be withdrawn is known not to be written; of a claimed one nothing is known. */
  function rejectAll(error: DrawbridgeError): void {
    for (const [id, request] of pending) {
      const claim = Atomics.compareExchange(claims, id % SLOTS, WAITING, WITHDRAWN)
      request.reject(claim === CLAIMED ? error : withOutcome(error, 'not-written'))
    }
    pending.clear()
  }

  async function close(): Promise<void> {
    if (failed !== undefined) {
      // Its own exit may never come while it waits for LMDB's lock, so nobody waits for it.
      worker.unref()
      return
    }
    worker.postMessage('close', [])
    const timer = setTimeout(() => {
      log.warn(
        { dir, pid: readHolder(dir)?.pid },
        'the store is locked by another process; leaving its writer thread behind',
      )
      rejectAll(busy())
      worker.unref()
      exited.resolve()
    }, CLOSE_MS)
    await exited.promise
    clearTimeout(timer)
    clearTimeout(busyTimer)
  }
}

/**
 * A thread that runs .ts files strips their types with Node's WebAssembly, whose machine code all threads of a process
 * share. V8 13.6 (Node 24, nodejs/node#66366) may free a piece of it twice when one thread's end makes it garbage while
 * the next thread takes it up, and the process dies. Nothing is freed with this flag; NODE_OPTIONS does not take it.
 */
function keepWasmCode(): void {
  setFlagsFromString('--no-wasm-code-gc')
}
