import type { FileState } from './files.ts'

/** The checkpoint: per file name in the folder, how far it was read. */
export interface SourceState {
  readonly version: 1
  readonly files: Readonly<Record<string, FileState>>
}

/** About 200 bytes each, well under the limit of a record. */
const MAX_REMEMBERED = 1_000

export interface ProgressOptions {
  readonly initial: unknown
  readonly everyRows: number
  readonly everyMs: number
  save(state: SourceState): Promise<void>
}

export interface Progress {
  of(name: string): FileState | undefined
  /** Notes that everything of the file before the place is acknowledged; `state` is asked for when it is saved. */
  advance(name: string, state: () => Promise<FileState>): void
  /** Saves when enough rows or time have passed since the last save. */
  saveIfDue(): Promise<void>
  saveNow(): Promise<void>
  /** Forgets files that are no longer there, oldest first, once more than 1,000 are known: the checkpoint is one record. */
  forgetGone(present: readonly string[]): void
}

export function createProgress(options: ProgressOptions): Progress {
  const files = new Map<string, FileState>(Object.entries((options.initial as SourceState | null)?.files ?? {}))
  const moved = new Map<string, () => Promise<FileState>>()
  let rows = 0
  let forgot = false
  let savedAt = performance.now()

  async function saveNow(): Promise<void> {
    if (moved.size === 0 && !forgot) return
    const current = [...moved]
    moved.clear()
    rows = 0
    forgot = false
    savedAt = performance.now()
    for (const [name, state] of current) files.set(name, await state())
    await options.save({ version: 1, files: Object.fromEntries(files) })
  }

  return {
    of: (name) => files.get(name),
    advance(name, state) {
      moved.set(name, state)
      rows++
    },
    async saveIfDue() {
      if (rows >= options.everyRows || (moved.size > 0 && performance.now() - savedAt >= options.everyMs))
        await saveNow()
    },
    saveNow,
    forgetGone(present) {
      if (files.size <= MAX_REMEMBERED) return
      const here = new Set(present)
      for (const name of [...files.keys()].slice(0, files.size - MAX_REMEMBERED)) {
        if (here.has(name)) continue
        files.delete(name)
        forgot = true
      }
    },
  }
}
