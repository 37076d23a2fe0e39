/** The same as webhook-received.avsc beside it; a test keeps the two equal. */
export const webhookReceived = {
  type: 'record',
  name: 'WebhookReceived',
  namespace: 'connect',
  doc: 'A webhook as it came in, its body byte for byte.',
  fields: [
    { name: 'id', type: 'string', doc: "The sender's id of the delivery; the same when it is sent again." },
    { name: 'source', type: 'string', doc: 'The connector that took it.' },
    {
      name: 'event',
      type: ['null', 'string'],
      default: null,
      doc: 'What happened, where the sender says so in a header (X-GitHub-Event).',
    },
    { name: 'receivedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'contentType', type: 'string' },
    { name: 'body', type: 'bytes' },
  ],
} as const
