/** Work in lanes: of each lane one piece at a time is in hand, the oldest first. Work without a lane needs no turn. */
export interface Lanes<W extends { readonly lane: string | null }> {
  add(work: W): void
  /** The next work whose lane is free, which it thereby occupies; undefined when there is none. */
  take(): W | undefined
  /** Frees the lane that this work occupied. */
  leave(work: W): void
  /** Drops all that has not been taken. */
  clear(): void
}

/** Taken work is shed from the array in blocks, so that taking stays cheap on the average. */
const SHED_AT = 1024

export function createLanes<W extends { readonly lane: string | null }>(): Lanes<W> {
  let waiting: W[] = []
  let head = 0
  /** The oldest of lanes that have become free: older than whatever waits in `waiting` for the same lane. */
  const next: W[] = []
  /** The only work in hand; of more, the rest is in `behind`. Most handlers work on one record at a time, which then costs no look-up. */
  let alone: W | undefined
  /** Per occupied lane but that of `alone`, and per lane that work was found waiting for: what stands behind its first. */
  const behind = new Map<string, W[]>()

  function isFree(lane: string): boolean {
    return alone?.lane !== lane && !behind.has(lane)
  }

  function occupy(work: W & { readonly lane: string }): void {
    if (alone === undefined) alone = work
    else behind.set(work.lane, behind.get(work.lane) ?? [])
  }

  return {
    add: (work) => void waiting.push(work),
    take() {
      if (next.length > 0) return next.shift()
      while (head < waiting.length) {
        const work = waiting[head++] as W
        if (head === waiting.length || head >= SHED_AT) {
          waiting = waiting.slice(head)
          head = 0
        }
        if (!hasLane(work)) return work
        if (isFree(work.lane)) {
          occupy(work)
          return work
        }
        const queue = behind.get(work.lane)
        if (queue === undefined) behind.set(work.lane, [work])
        else queue.push(work)
      }
      return undefined
    },
    leave(work) {
      if (!hasLane(work)) return
      if (alone === work) alone = undefined
      if (behind.size === 0) return
      const queue = behind.get(work.lane)
      const first = queue?.shift()
      // The lane stays occupied, by the first that waited for it.
      if (first !== undefined) next.push(first)
      else behind.delete(work.lane)
    },
    clear() {
      waiting = []
      head = 0
      next.length = 0
      behind.clear()
    },
  }
}

function hasLane<W extends { readonly lane: string | null }>(work: W): work is W & { readonly lane: string } {
  return work.lane !== null
}
