/**
 * Runs work once per id: the same id while it is under way shares its outcome, and afterwards, while it is among the
 * last `remember` that succeeded, it is done already. What failed may be tried again. `work` is not run for a repeat.
 */
export function createOnce(
  remember: number,
): (id: string, work: () => Promise<void>) => { readonly repeat: boolean; readonly done: Promise<void> } {
  const underWay = new Map<string, Promise<void>>()
  const finished = new Set<string>()

  async function run(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      finished.add(id)
      for (const oldest of finished) {
        if (finished.size <= remember) break
        finished.delete(oldest)
      }
    } finally {
      underWay.delete(id)
    }
  }

  return (id, work) => {
    if (finished.has(id)) return { repeat: true, done: Promise.resolve() }
    const running = underWay.get(id)
    if (running !== undefined) return { repeat: true, done: running }
    const done = run(id, work)
    // `run` has not ended yet: it awaits at least once before it deletes the id.
    underWay.set(id, done)
    return { repeat: false, done }
  }
}
