import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Real input: airports.csv of npm's vega-datasets. */
export const airportsCsv = readFileSync(
  join(dirname(require.resolve('vega-datasets/package.json')), 'data', 'airports.csv'),
)

export const airportSchema = {
  type: 'record',
  name: 'Airport',
  fields: [
    ...['iata', 'name', 'city', 'state', 'country'].map((name) => ({ name, type: 'string' })),
    ...['latitude', 'longitude'].map((name) => ({ name, type: 'double' })),
  ],
}

/** A record of text fields. */
export function textSchema(fields: readonly string[]): object {
  return { type: 'record', name: 'Row', fields: fields.map((name) => ({ name, type: 'string' })) }
}
