// Generated from airport.avsc by `drawbridge schemas generate`. Do not edit.
import type { AvroValue } from 'drawbridge'

export const airport = {
  type: 'record',
  name: 'Airport',
  namespace: 'demo',
  doc: "An airport, as a row of airports.csv in npm's vega-datasets.",
  'drawbridge.key': 'iata',
  fields: [
    {
      name: 'iata',
      type: 'string',
      doc: 'Code of the airport, such as JFK; unique.',
    },
    {
      name: 'name',
      type: 'string',
    },
    {
      name: 'city',
      type: 'string',
    },
    {
      name: 'state',
      type: 'string',
      doc: 'Two-letter code of the US state; NA where the file has none.',
    },
    {
      name: 'country',
      type: 'string',
    },
    {
      name: 'latitude',
      type: 'double',
      doc: 'Degrees, north positive.',
    },
    {
      name: 'longitude',
      type: 'double',
      doc: 'Degrees, east positive.',
    },
  ],
} as const

export type Airport = AvroValue<typeof airport>
