import type { Count } from './connector.ts'

/** At most four reports a second. */
const REPORT_INTERVAL_MS = 250

/** Counts, and reports the totals when they changed, at most four times a second. */
export function createCounters(report: (totals: Readonly<Record<string, number>>) => void): {
  readonly count: Count
  flush(): void
} {
  const totals: Record<string, number> = {}
  let changed = false
  let timer: NodeJS.Timeout | undefined
  function flush(): void {
    if (!changed) return
    changed = false
    report({ ...totals })
  }
  return {
    count(name, by = 1) {
      totals[name] = (totals[name] ?? 0) + by
      changed = true
      if (timer !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        flush()
      }, REPORT_INTERVAL_MS)
      timer.unref()
    },
    flush,
  }
}
