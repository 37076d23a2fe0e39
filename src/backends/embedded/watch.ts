import { type Counters, getCounters } from './documents.ts'
import type { ReadStore } from './reading.ts'

const FAST_MS = 1
const SLOW_MS = 20
/** How long after the last news the store is still looked at every FAST_MS. */
const ACTIVE_MS = 200

export interface News {
  readonly appends: boolean
  readonly groups: boolean
}

/** Tells those who wait that the store may have something for them. Nobody waiting, nothing polls. */
export interface Watch {
  /** Calls `onNews` after commits that appended or changed a group, until the returned function is called. */
  listen(onNews: (news: News) => void): () => void
  /** As `listen`, but only what others or this process's own commits bring up: it does not make the watch poll. */
  overhear(onNews: (news: News) => void): () => void
  /** This process has committed: no need to wait for the next look. */
  nudge(): void
  close(): void
}

/** `onError` gets what reading the store throws; the watch is over then. */
export function createWatch(read: ReadStore, onError: (error: unknown) => void): Watch {
  const listeners = new Set<(news: News) => void>()
  const bystanders = new Set<(news: News) => void>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let seen: Counters = read(getCounters)
  let delay = FAST_MS
  let lastNews = performance.now()

  return { listen, overhear, nudge: look, close }

  function listen(onNews: (news: News) => void): () => void {
    listeners.add(onNews)
    schedule()
    return () => {
      listeners.delete(onNews)
      if (listeners.size > 0) return
      clearTimeout(timer)
      timer = undefined
    }
  }

  function overhear(onNews: (news: News) => void): () => void {
    bystanders.add(onNews)
    return () => bystanders.delete(onNews)
  }

  function schedule(): void {
    if (closed || listeners.size === 0 || timer !== undefined) return
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
      const news = { appends: found.appends !== seen.appends, groups: found.changes !== seen.changes }
      seen = found
      if (news.appends || news.groups) tell(news)
      else slowDown()
    } catch (error) {
      close()
      onError(error)
    }
  }

  function tell(news: News): void {
    lastNews = performance.now()
    if (delay > FAST_MS) hurry()
    // A copy, because whoever is served stops listening, and whoever starts has just looked.
    for (const onNews of [...listeners, ...bystanders]) onNews(news)
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
