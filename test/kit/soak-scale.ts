import { appendFileSync } from 'node:fs'

/** The environment variable by which `npm run soak` asks a scenario for its full count. */
export const SOAK_VARIABLE = 'DRAWBRIDGE_SOAK'
/** Names the file into which a run reports, for `npm run soak` to print; absent: standard error. */
export const REPORT_VARIABLE = 'DRAWBRIDGE_SOAK_REPORT'

/** A fault run's numbers: short ones in `npm test`, full ones under `npm run soak -- NAME`. The code is the same. */
export function soakScale<T>(name: string, scales: { readonly short: T; readonly full: T }): T {
  return process.env[SOAK_VARIABLE] === name ? scales.full : scales.short
}

/** A line for a person: what the run was given and what it found. */
export function report(line: string): void {
  const file = process.env[REPORT_VARIABLE]
  if (file === undefined) process.stderr.write(`${line}\n`)
  else appendFileSync(file, `${line}\n`)
}
