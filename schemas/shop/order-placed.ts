// Generated from order-placed.avsc by `drawbridge schemas generate`. Do not edit.
import type { AvroValue } from 'drawbridge'

export const orderPlaced = {
  type: 'record',
  name: 'OrderPlaced',
  namespace: 'shop',
  doc: 'A customer placed an order.',
  'drawbridge.key': 'customerId',
  fields: [
    {
      name: 'orderId',
      type: 'string',
      doc: 'Unique over all orders.',
    },
    {
      name: 'customerId',
      type: 'string',
      doc: 'Who ordered; orders of one customer keep their order.',
    },
    {
      name: 'total',
      type: 'double',
      doc: "Price of all lines in the shop's currency.",
    },
  ],
} as const

export type OrderPlaced = AvroValue<typeof orderPlaced>
