import { type AmqpValue, amqpText, readAmqp } from './amqp.ts'
import { createCursor, type Cursor, malformed } from './wire.ts'

type Pairs = readonly (readonly [AmqpValue, AmqpValue])[]

/** An AMQP 1.0 message (OASIS, part 3: messaging, 3.2). Transfer headers, delivery annotations and footers are left out. */
export interface AmqpMessage {
  readonly annotations: Pairs
  /** In the order of the specification: message-id, user-id, to, subject, reply-to, … */
  readonly properties: readonly AmqpValue[]
  readonly applicationProperties: Pairs
  /** Several data sections are one binary; several sequences one array of lists. Undefined: no body at all. */
  readonly body: AmqpValue | undefined
}

export const SECTIONS = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  annotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const

const NAMES: Readonly<Record<string, number>> = {
  'amqp:header:list': 0x70,
  'amqp:delivery-annotations:map': 0x71,
  'amqp:message-annotations:map': 0x72,
  'amqp:properties:list': 0x73,
  'amqp:application-properties:map': 0x74,
  'amqp:data:binary': 0x75,
  'amqp:amqp-sequence:list': 0x76,
  'amqp:amqp-value:*': 0x77,
  'amqp:footer:map': 0x78,
}

/** Throws on anything that is not a whole message. Buffers in it are views of `bytes`. */
export function parseMessage(bytes: Buffer): AmqpMessage {
  const cursor = createCursor(bytes)
  let annotations: Pairs = []
  let properties: readonly AmqpValue[] = []
  let applicationProperties: Pairs = []
  const data: Buffer[] = []
  const sequences: AmqpValue[] = []
  let body: AmqpValue | undefined

  while (cursor.left() > 0) {
    const section = readSection(cursor)
    const value = readAmqp(cursor)
    switch (section) {
      case SECTIONS.annotations:
        annotations = asPairs(value)
        break
      case SECTIONS.properties:
        properties = asItems(value)
        break
      case SECTIONS.applicationProperties:
        applicationProperties = asPairs(value)
        break
      case SECTIONS.data:
        if (!Buffer.isBuffer(value)) throw malformed('a data section that is not binary')
        data.push(value)
        break
      case SECTIONS.sequence:
        sequences.push({ kind: 'list', items: asItems(value) })
        break
      case SECTIONS.value:
        body = value
        break
      default:
        break
    }
  }
  if (data.length > 0) body = data.length === 1 ? data[0] : Buffer.concat(data)
  else if (sequences.length > 0) body = sequences.length === 1 ? sequences[0] : { kind: 'list', items: sequences }
  return { annotations, properties, applicationProperties, body }
}

function readSection(cursor: Cursor): number {
  if (cursor.u8() !== 0) throw malformed('a section that is not described')
  const descriptor = readAmqp(cursor)
  const code = typeof descriptor === 'number' ? descriptor : NAMES[amqpText(descriptor)]
  if (code === undefined || code < SECTIONS.header || code > SECTIONS.footer)
    throw malformed('a section that AMQP does not know')
  return code
}

function asPairs(value: AmqpValue): Pairs {
  if (value === null) return []
  if (typeof value !== 'object' || Buffer.isBuffer(value) || value.kind !== 'map')
    throw malformed('a section that is not a map')
  return value.pairs
}

function asItems(value: AmqpValue): readonly AmqpValue[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value.kind !== 'list')
    throw malformed('a section that is not a list')
  return value.items
}
