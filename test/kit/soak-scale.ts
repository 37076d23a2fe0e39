/** The environment variable by which `npm run soak` asks a scenario for its full count. */
export const SOAK_VARIABLE = 'DRAWBRIDGE_SOAK'

/** A fault run's numbers: short ones in `npm test`, full ones under `npm run soak -- NAME`. The code is the same. */
export function soakScale<T>(name: string, scales: { readonly short: T; readonly full: T }): T {
  return process.env[SOAK_VARIABLE] === name ? scales.full : scales.short
}
