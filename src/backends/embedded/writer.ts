import { mkdirSync } from 'node:fs'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { DrawbridgeError, errorText, isDrawbridgeError } from '../../core/errors.ts'
import { applyRequest } from './apply.ts'
import { type StoreWrites, checkFormat, getCounters, getTopic, putCounters } from './documents.ts'
import { storeError, storeFailed, storeFull, toPlain } from './errors.ts'
import { type HolderFile, openHolderFile } from './holder.ts'
import { insideGate } from './gate.ts'
import { FORMAT_KEY } from './keys.ts'
import { type Lmdb, openLmdb } from './lmdb.ts'
import { groupNumber, placeNumber, withNews } from './news.ts'
import { claimPlace, placeOfProcess } from './place.ts'
import { readerTable } from './reader-table.ts'
import type { Answer, Envelope, Results, WriterCommand, WriterData, WriterMessage } from './requests.ts'
import { CLAIMED, SLOTS, WAITING } from './requests.ts'
import { roomIn, roomNeeded } from './room.ts'
import { openTurnstile, type Turnstile } from './turnstile.ts'
import { checkBeginning, checkEnd } from './whole.ts'

/*
 * The writer thread: all writes of a process. A busy event loop that held LMDB's lock would stop every other process,
 * so no code but this runs while the lock is held. Requests that arrive during a transaction share the next one.
 */

interface Writer {
  readonly db: Lmdb
  readonly dir: string
  readonly holder: HolderFile
  readonly turnstile: Turnstile
  readonly claims: Int32Array
}

function main(port: MessagePort, data: WriterData): void {
  const post = (message: WriterMessage): void => port.postMessage(message)
  const writer = openWriter(data, post)
  if (writer === undefined) return port.close()
  post({ kind: 'ready' })
  port.on('message', (first: WriterCommand) => {
    const commands = [first]
    for (let more = next(port); more !== undefined; more = next(port)) commands.push(more)
    const envelopes = commands.filter((command) => command !== 'close')
    if (envelopes.length > 0) post({ kind: 'answers', answers: runAll(writer, envelopes) })
    if (envelopes.length < commands.length) close(writer, port, post)
  })
}

function openWriter(data: WriterData, post: (message: WriterMessage) => void): Writer | undefined {
  const { dir } = data
  let holder: HolderFile | undefined
  try {
    makeDirectory(dir)
    const file = openHolderFile(dir)
    holder = file
    post({ kind: 'opening' })
    const claims = new Int32Array(data.claims)
    const opened = insideGate(claims, () => openEnvironment(dir, file))
    return { ...opened, dir, holder: file, claims }
  } catch (error) {
    holder?.close()
    post({ kind: 'failed', error: toPlain(storeError(dir, error, 'not-written')) })
    return undefined
  }
}

function openEnvironment(dir: string, holder: HolderFile): Pick<Writer, 'turnstile' | 'db'> {
  const turnstile = openTurnstile(dir)
  try {
    const db = turnstile.pass(() => {
      holder.sign()
      checkBeginning(dir)
      return enter(dir, openLmdb(dir, { readOnly: false }))
    })
    return { turnstile, db }
  } catch (error) {
    void turnstile.close()
    throw error
  }
}

/**
 * The first look and the first transaction, before anybody else may open the store. Where others use it nothing is read
 * before the place is known to be theirs (place.ts); where nobody does, it is looked whether the file is whole. Either
 * way this process then has a reader slot, which says that it is here.
 */
function enter(dir: string, db: Lmdb): Lmdb {
  try {
    const others = readerTable(db).map(({ pid }) => pid)
    if (others.length === 0) checkEnd(dir, db)
    db.transactionSync(() => {
      const store = writesOf(db)
      checkFormat(store, dir)
      claimPlace(store, dir, placeOfProcess(), others)
      db.useReadTransaction().done()
    })
    db.resetReadTxn()
    return db
  } catch (error) {
    void db.close()
    throw error
  }
}

function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true })
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `the embedded store's directory ${dir} cannot be made (${errorText(error)}): name a directory that this user may write`,
      { cause: error, details: { dir } },
    )
  }
}

function close(writer: Writer, port: MessagePort, post: (message: WriterMessage) => void): void {
  Promise.all([writer.db.close(), writer.turnstile.close()]).then(
    () => {
      writer.holder.close()
      post({ kind: 'closed' })
      port.close()
    },
    (error: unknown) => post({ kind: 'failed', error: toPlain(storeError(writer.dir, error, 'unknown')) }),
  )
}

function next(port: MessagePort): WriterCommand | undefined {
  const received: { message: WriterCommand } | undefined = receiveMessageOnPort(port)
  return received?.message
}

/** One transaction for all; where it fails, one for each, so that a small commit survives an append too large for the disk. */
function runAll(writer: Writer, envelopes: readonly Envelope[]): readonly Answer[] {
  const claimed = new Set<number>()
  if (envelopes.length > 1 && !hasRoom(writer, envelopes)) {
    return envelopes.flatMap((envelope) => runAlone(writer, envelope, claimed))
  }
  try {
    return runTogether(writer, envelopes, claimed)
  } catch (error) {
    if (envelopes.length === 1) return envelopes.map(({ id }) => refusal(id, failure(writer, error)))
    return envelopes.flatMap((envelope) => runAlone(writer, envelope, claimed))
  }
}

function runAlone(writer: Writer, envelope: Envelope, claimed: Set<number>): readonly Answer[] {
  try {
    return runTogether(writer, [envelope], claimed)
  } catch (error) {
    return [refusal(envelope.id, failure(writer, error))]
  }
}

/**
 * A transaction that failed before its meta page was written has changed nothing. When that last write itself fails,
 * LMDB refuses the environment from then on (MDB_PANIC), which an empty transaction tells.
 */
function failure(writer: Writer, error: unknown): DrawbridgeError {
  if (isDrawbridgeError(error)) return error
  try {
    inTransaction(writer, (store) => store.get(FORMAT_KEY))
    return storeError(writer.dir, error, 'not-written')
  } catch {
    return storeFailed(writer.dir, errorText(error), 'unknown', error)
  }
}

function hasRoom(writer: Writer, envelopes: readonly Envelope[]): boolean {
  return roomIn(writer.dir) >= roomNeeded(envelopes.map(({ request }) => request))
}

function runTogether(writer: Writer, envelopes: readonly Envelope[], claimed: Set<number>): readonly Answer[] {
  if (!hasRoom(writer, envelopes)) throw storeFull(writer.dir, `${roomIn(writer.dir)} bytes are free`)
  return inTransaction(writer, (store) => {
    const answers = envelopes.map((envelope) => run(writer, store, envelope, claimed))
    tellNews(store, envelopes, answers)
    return answers
  })
}

/** Notes what others are to hear of; without anything, the counters stay as they are. */
function tellNews(store: StoreWrites, envelopes: readonly Envelope[], answers: readonly Answer[]): void {
  const places = new Set<number>()
  const groups = new Set<number>()
  for (const [index, { request }] of envelopes.entries()) {
    const answer = answers[index]
    if (answer?.ok !== true) continue
    const { value } = answer
    if (request.kind === 'append') places.add(placeNumber((value as Results['append']).topicId, request.partition))
    const expired = request.kind === 'turn' && (value as Results['turn']).expired
    if (expired || request.kind === 'join' || request.kind === 'leave' || request.kind === 'release') {
      const topic = getTopic(store, request.topic)
      if (topic !== undefined) groups.add(groupNumber(request.group, topic.id))
    }
  }
  if (places.size + groups.size > 0) putCounters(store, withNews(getCounters(store), places, groups))
}

function run(writer: Writer, store: StoreWrites, { id, request }: Envelope, claimed: Set<number>): Answer {
  if (!claimed.has(id) && Atomics.compareExchange(writer.claims, id % SLOTS, WAITING, CLAIMED) !== WAITING) {
    return { id, ok: false, error: 'withdrawn' }
  }
  claimed.add(id)
  try {
    return { id, ok: true, value: applyRequest(store, request, writer.dir) }
  } catch (error) {
    if (isDrawbridgeError(error)) return refusal(id, error)
    throw error
  }
}

function writesOf(db: Lmdb): StoreWrites {
  return {
    get: (key) => db.get(key),
    put: (key, value) => db.putSync(key, value as Buffer),
    remove: (key) => void db.removeSync(key),
    list: (range, limit) => Array.from(db.getRange({ ...range, limit })),
    keys: (range, limit) => Array.from(db.getKeys({ ...range, limit })),
  }
}

function inTransaction<T>(writer: Writer, run: (store: StoreWrites) => T): T {
  const { db } = writer
  return insideGate(writer.claims, () =>
    writer.turnstile.pass(() =>
      db.transactionSync(() => {
        writer.holder.sign()
        return run(writesOf(db))
      }),
    ),
  )
}

function refusal(id: number, error: DrawbridgeError): Answer {
  return { id, ok: false, error: toPlain(error) }
}

if (parentPort !== null) main(parentPort, workerData as WriterData)
