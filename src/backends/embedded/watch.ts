import { getCounters } from './documents.ts'
import { type Counters, newsBetween } from './news.ts'
import type { ReadStore } from './reading.ts'

const FAST_MS = 1
const SLOW_MS = 20
/** How long after the last news the store is still looked at every FAST_MS. */
const ACTIVE_MS = 200

/** Tells those who wait that the store may have something for them. Nobody waiting, nothing polls. */
export interface Watch {
  /** Calls `onNews` after commits that appended to the place (news.ts), until the returned function is called. */
  listen(place: number, onNews: () => void): () => void
  /** Calls `onNews` after changes of the group (news.ts) that a look brings up; it does not make the watch look. */
  overhear(group: number, onNews: () => void): () => void
  /** Makes the watch look until the returned function is called, though nobody listens. */
  poll(): () => void
  /** This process has committed: no need to wait for the next look. */
  nudge(): void
  close(): void
}

type Listeners = Map<number, Set<() => void>>

/** `onError` gets what reading the store throws; the watch is over then. */
export function createWatch(read: ReadStore, onError: (error: unknown) => void): Watch {
  const listeners: Listeners = new Map()
  const bystanders: Listeners = new Map()
  let reasons = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let seen: Counters = read(getCounters)
  let delay = FAST_MS
  let lastNews = performance.now()

  return { listen, overhear: (group, onNews) => enter(bystanders, group, onNews), poll, nudge: look, close }

  function listen(place: number, onNews: () => void): () => void {
    const leave = enter(listeners, place, onNews)
    const stop = poll()
    return () => {
      leave()
      stop()
    }
  }

  function poll(): () => void {
    let polling = true
    reasons += 1
    schedule()
    return () => {
      if (!polling) return
      polling = false
      reasons -= 1
      if (reasons > 0) return
      clearTimeout(timer)
      timer = undefined
    }
  }

  function schedule(): void {
    if (closed || reasons === 0 || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      look()
      schedule()
    }, delay)
  }

  function look(): void {
    if (closed) return
    try {
      const found = read(getCounters)
      const { places, groups } = newsBetween(seen, found)
      seen = found
      if (places === 'all' || groups === 'all' || places.size + groups.size > 0) {
        lastNews = performance.now()
        if (delay > FAST_MS) hurry()
        tell(listeners, places)
        tell(bystanders, groups)
      } else slowDown()
    } catch (error) {
      close()
      onError(error)
    }
  }

  function slowDown(): void {
    if (performance.now() - lastNews > ACTIVE_MS) delay = Math.min(delay * 2, SLOW_MS)
  }

  function hurry(): void {
    delay = FAST_MS
    clearTimeout(timer)
    timer = undefined
    schedule()
  }

  function close(): void {
    closed = true
    listeners.clear()
    bystanders.clear()
    clearTimeout(timer)
  }
}

function enter(listeners: Listeners, of: number, onNews: () => void): () => void {
  const those = listeners.get(of) ?? new Set()
  listeners.set(of, those.add(onNews))
  return () => {
    those.delete(onNews)
    if (those.size === 0 && listeners.get(of) === those) listeners.delete(of)
  }
}

/** Goes over a copy, because whoever is served stops listening, and whoever starts has just looked. */
function tell(listeners: Listeners, news: ReadonlySet<number> | 'all'): void {
  const concerned = news === 'all' ? [...listeners.values()] : [...news].flatMap((of) => listeners.get(of) ?? [])
  for (const onNews of concerned.flatMap((those) => [...those])) onNews()
}
