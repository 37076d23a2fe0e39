/**
 * Asks one after the other: the next as soon as the one before has failed, or has been silent for `patienceMs`. The first
 * answer counts, and nobody is interrupted: for questions only. A failure that `isFinal` counts at once, others only when all
 * have failed; then it rejects with the last.
 */
export async function firstAnswer<T>(
  attempts: readonly (() => Promise<T>)[],
  { patienceMs, isFinal }: { readonly patienceMs: number; isFinal(error: unknown): boolean },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let next = 0
  let underWay = 0
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    clearTimeout(timer)
    const attempt = attempts[next++]
    if (attempt === undefined) return
    underWay++
    timer = setTimeout(start, patienceMs)
    attempt().then(resolve, (error: unknown) => {
      underWay--
      if (isFinal(error) || (next >= attempts.length && underWay === 0)) reject(error)
      else start()
    })
  }

  start()
  try {
    return await promise
  } finally {
    // Whoever is silent still is not followed by another.
    clearTimeout(timer)
    next = attempts.length
  }
}
