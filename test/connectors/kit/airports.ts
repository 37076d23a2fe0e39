import { readFileSync } from 'node:fs'

/** Real input: airports.csv of npm's vega-datasets. */
export const airportsCsv = readFileSync(
  new URL('../../../node_modules/vega-datasets/data/airports.csv', import.meta.url),
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
