import type { Measured } from './figure.ts'

/** CPU seconds of this process and all its threads, and the largest resident size it has had. */
function usage(): { readonly cpuSeconds: number; readonly peakMemoryMiB: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMemoryMiB: maxRSS / 1024 }
}

/** Records per second of the work, the CPU time it took, and the process's peak of memory at its end. */
export async function measure(records: number, work: () => Promise<unknown>): Promise<Measured> {
  const before = usage()
  const begun = performance.now()
  await work()
  const seconds = (performance.now() - begun) / 1000
  const { cpuSeconds, peakMemoryMiB } = usage()
  const cpuSecondsPerMillion = ((cpuSeconds - before.cpuSeconds) / records) * 1e6
  return { value: records / seconds, cpuSecondsPerMillion, peakMemoryMiB }
}
