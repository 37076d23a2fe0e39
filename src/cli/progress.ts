/** A line that rewrites itself on a terminal, for work that takes a while; silent where standard error is no terminal. */
export interface Progress {
  show(text: string): void
  /** Clears the line, so that ordinary output may follow. */
  clear(): void
}

/** Redraws at most this often, milliseconds. */
const REDRAW_MS = 80

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let lastAt = 0
  let shown = false
  return {
    show(text) {
      const now = Date.now()
      if (!stream.isTTY || now - lastAt < REDRAW_MS) return
      lastAt = now
      shown = true
      stream.write(`\r\u001B[2K${text.slice(0, (stream.columns || 80) - 1)}`)
    },
    clear() {
      if (shown) stream.write('\r\u001B[2K')
      shown = false
    },
  }
}

/** `[#####-----]` */
export function bar(done: number, total: number, width = 20): string {
  const filled = total === 0 ? width : Math.min(width, Math.round((done / total) * width))
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`
}
