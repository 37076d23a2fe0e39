import { randomUUID } from 'node:crypto'
import type { Assignment, Backend, Feed } from './backend.ts'
import { KEPT_FOR_EVER } from './topic-spec.ts'
import { DrawbridgeError, errorText } from './errors.ts'
import type { Log } from './log.ts'
import { readBatches } from './raw-reader.ts'
import { NO_HEADERS, type NewRecord, type StoredRecord } from './record.ts'
import { ENDLESS_RETRY, retryDelayMs } from './retry.ts'
import { sleep } from './wait.ts'
import type { Clock } from './clock.ts'

/** What the owner of a control log's partition holds. `S` is plain JSON. */
export interface ControlOwner<S> {
  readonly partition: number
  /** The last valid snapshot when ownership began, or null. */
  readonly state: S | null
  /** Aborts when ownership is to end; what is in hand may still be saved until `own` returns. */
  readonly signal: AbortSignal
  /** Appends a full snapshot; resolves when durable. ERR_FENCED once the partition is another process's. */
  save(state: S): Promise<void>
}

export interface ControlLogOptions<S> {
  readonly backend: Backend
  /** The topic is `drawbridge.<what>`, and so is the group that shares its partitions. */
  readonly what: string
  readonly partitions: number
  readonly clock: Clock
  readonly log: Log
  /** Runs for every partition this process comes to own. Ownership ends when it returns, or by the signal. */
  own(owner: ControlOwner<S>): Promise<void>
}

export interface ControlLog extends AsyncDisposable {
  /** Resolves when every `own` has returned by itself or the log was closed; rejects when one threw. */
  readonly done: Promise<void>
  close(): Promise<void>
}

/**
 * The one way state lives in the broker. The owner of a partition appends a claim, reads up to it, and then appends full
 * snapshots under it. A record under another claim than the newest before it is void, so a paused former owner can
 * append what it likes. Keys carry the claim's id: compaction then never lets a void record displace a valid one.
 */
export async function openControlLog<S>(options: ControlLogOptions<S>): Promise<ControlLog> {
  const { backend, what, partitions, log } = options
  const topic = `drawbridge.${what}`
  await backend.createTopic({ name: topic, partitions, ...KEPT_FOR_EVER, compact: backend.capabilities.compaction })
  const done = Promise.withResolvers<void>()
  const owned = new Map<number, { readonly end: AbortController; lost: boolean; readonly ended: Promise<void> }>()
  let returned = 0
  let closing: Promise<void> | undefined

  function onAssign({ partition }: Assignment): void {
    const end = new AbortController()
    const tenure = { end, lost: false, ended: Promise.resolve() }
    owned.set(partition, { ...tenure, ended: run(partition, end.signal, () => owned.get(partition)?.lost === true) })
  }

  async function run(partition: number, signal: AbortSignal, isLost: () => boolean): Promise<void> {
    try {
      const claim = randomUUID()
      const state = await claimPartition<S>(options, topic, partition, claim, signal)
      if (state === undefined) return
      const save = async (next: S): Promise<void> => {
        if (isLost())
          throw new DrawbridgeError(
            'ERR_FENCED',
            `${topic} partition ${partition} is another process's now; nothing was saved`,
          )
        await backend.append(topic, partition, [toRecord(`state:${claim}`, next, options.clock)])
      }
      await options.own({ partition, state: state.snapshot, signal, save })
      if (!signal.aborted && ++returned === partitions) void close().then(done.resolve)
    } catch (error) {
      if (signal.aborted && isLost())
        log.warn({ topic, partition, error: errorText(error) }, 'ended after its ownership was lost')
      else done.reject(error)
    }
  }

  async function onRevoke(revoked: readonly number[]): Promise<void> {
    await Promise.all(
      revoked.map(async (partition) => {
        const tenure = owned.get(partition)
        tenure?.end.abort()
        await tenure?.ended
        owned.delete(partition)
      }),
    )
  }

  function onLost(lost: readonly number[]): void {
    for (const partition of lost) {
      const tenure = owned.get(partition)
      if (tenure === undefined) continue
      tenure.lost = true
      tenure.end.abort()
    }
  }

  const feed: Feed = await backend.openFeed({
    group: topic,
    topic,
    from: 'earliest',
    limits: { maxRecords: 1, maxBytes: 1 },
    onAssign,
    onRevoke,
    onLost,
    onFailed: done.reject,
  })

  function close(): Promise<void> {
    closing ??= feed.close().then(done.resolve)
    return closing
  }
  return { done: done.promise, close, [Symbol.asyncDispose]: close }
}

/** Appends the claim, reads up to it and says what stood before; undefined when ownership ended meanwhile. */
async function claimPartition<S>(
  options: ControlLogOptions<S>,
  topic: string,
  partition: number,
  claim: string,
  signal: AbortSignal,
): Promise<Standing<S> | undefined> {
  const { backend, clock, log } = options
  for (let failed = 1; !signal.aborted; failed++) {
    try {
      await backend.append(topic, partition, [toRecord(`claim:${claim}`, { at: clock.now() }, clock)])
      const standing = await readStanding<S>(backend, topic, partition, claim)
      if (standing.snapshot !== null)
        await backend.append(topic, partition, [toRecord(`state:${claim}`, standing.snapshot, clock)])
      // The snapshot now stands under the new claim, so what stood under older ones may go at compaction.
      const stale = standing.claims.flatMap((id) => [tombstone(`claim:${id}`, clock), tombstone(`state:${id}`, clock)])
      if (stale.length > 0) await backend.append(topic, partition, stale)
      return standing
    } catch (error) {
      log.warn({ topic, partition, error: errorText(error) }, 'claim not made yet, will try again')
      await sleep(clock, retryDelayMs(ENDLESS_RETRY, failed, error), signal)
    }
  }
  return undefined
}

interface Standing<S> {
  readonly snapshot: S | null
  /** Claims that stand in the log and are not this one. */
  readonly claims: readonly string[]
}

async function readStanding<S>(
  backend: Backend,
  topic: string,
  partition: number,
  claim: string,
): Promise<Standing<S>> {
  const { first: from, end: to } = (await backend.describeTopic(topic)).ranges[partition] ?? { first: 0, end: 0 }
  const fold = createControlFold<S>(claim)
  for await (const { records } of readBatches(backend, topic, [{ partition, from, to }])) {
    for (const record of records) fold.add(record)
  }
  return fold.standing()
}

/** Replays a control log's partition up to the claim `until`; what follows it is this owner's own. Pure. */
export function createControlFold<S>(until: string): { add(record: StoredRecord): void; standing(): Standing<S> } {
  const claims = new Set<string>()
  let current: string | undefined
  let snapshot: S | null = null
  return {
    add(record) {
      const [kind, id] = record.key?.toString('utf8').split(':') ?? []
      if (id === undefined || current === until) return
      if (record.value === null) claims.delete(id)
      else if (kind === 'claim') {
        current = id
        if (id !== until) claims.add(id)
      } else if (kind === 'state' && id === current) snapshot = JSON.parse(record.value.toString('utf8')) as S
    },
    standing: () => ({ snapshot, claims: [...claims] }),
  }
}

function toRecord(key: string, value: unknown, clock: Clock): NewRecord {
  return {
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify(value)),
    headers: NO_HEADERS,
    timestamp: clock.now(),
  }
}

function tombstone(key: string, clock: Clock): NewRecord {
  return { key: Buffer.from(key), value: null, headers: NO_HEADERS, timestamp: clock.now() }
}
