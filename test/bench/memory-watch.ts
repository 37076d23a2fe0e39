import { readFileSync } from 'node:fs'

/** The most a process has had, MiB. */
export interface Peak {
  /**
   * What it has taken for itself (RssAnon of proc(5)): heaps, buffers, stacks. This is what can run out; pages of mapped
   * files count as resident, too, but belong to the system's cache, which takes them back as it needs.
   */
  readonly anonymousMiB: number
  /** All that was resident, mapped pages of the store included. */
  readonly residentMiB: number
}

const EVERY_MS = 10

/** Watches a process until `end` is called; undefined where the system does not tell. */
export function watchMemory(pid: number): { end(): Peak | undefined } {
  let peak: Peak | undefined
  const look = (): void => {
    const now = memoryOf(pid)
    if (now === undefined) return
    const { anonymousMiB = 0, residentMiB = 0 } = peak ?? {}
    peak = {
      anonymousMiB: Math.max(anonymousMiB, now.anonymousMiB),
      residentMiB: Math.max(residentMiB, now.residentMiB),
    }
  }
  const timer = setInterval(look, EVERY_MS)
  return {
    end() {
      clearInterval(timer)
      return peak
    },
  }
}

function memoryOf(pid: number): Peak | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1')
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN)
    const peak = { anonymousMiB: kib('RssAnon') / 1024, residentMiB: kib('VmHWM') / 1024 }
    return Number.isNaN(peak.anonymousMiB) ? undefined : peak
  } catch {
    // It has ended, or this is no Linux.
    return undefined
  }
}
