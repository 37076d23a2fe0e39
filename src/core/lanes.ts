/** Work in lanes: of each lane only the oldest is ready; the others wait until it has left. Work without a lane is ready at once. */
export interface Lanes<W extends { readonly lane: string | null }> {
  add(work: W): void
  /** The next ready work, which thereby occupies its lane; undefined when none is ready. */
  take(): W | undefined
  /** Frees the lane that this work occupied. */
  leave(work: W): void
  /** Drops all that has not been taken. */
  clear(): void
}

/** Taken work is shed from the array in blocks, so that taking stays cheap on the average. */
const SHED_AT = 1024

export function createLanes<W extends { readonly lane: string | null }>(): Lanes<W> {
  let ready: W[] = []
  let head = 0
  /** Per occupied or ready lane, what stands behind its first. */
  const behind = new Map<string, W[] | null>()
  return {
    add(work) {
      if (work.lane !== null) {
        const queue = behind.get(work.lane)
        if (queue === undefined) behind.set(work.lane, null)
        else {
          if (queue === null) behind.set(work.lane, [work])
          else queue.push(work)
          return
        }
      }
      ready.push(work)
    },
    take() {
      const work = ready[head]
      if (work === undefined) return undefined
      head++
      if (head === ready.length || head >= SHED_AT) {
        ready = ready.slice(head)
        head = 0
      }
      return work
    },
    leave(work) {
      if (work.lane === null) return
      const next = behind.get(work.lane)?.shift()
      if (next === undefined) behind.delete(work.lane)
      else ready.push(next)
    },
    clear() {
      ready = []
      head = 0
      behind.clear()
    },
  }
}
