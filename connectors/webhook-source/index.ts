import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jsonToValue } from '../../src/avro/json.ts'
import { parseSchema } from '../../src/avro/parse-schema.ts'
import type { Connector, ConnectorContext } from '../../src/connect/connector.ts'
import { DrawbridgeError, errorText } from '../../src/core/errors.ts'
import type { Topic } from '../../src/core/topic.ts'
import { createApp, parseBody } from './app.ts'
import { type WebhookSourceConfig, webhookSourceConfig } from './config.ts'
import type { Delivery } from './verify.ts'
import { webhookReceived } from './webhook-received.ts'

export const webhookSource: Connector<WebhookSourceConfig> = {
  type: 'webhook-source',
  kind: 'source',
  summary: 'Signed webhooks (Standard Webhooks, GitHub) become records; 202 only after the topic accepted.',
  config: webhookSourceConfig,
  copies: 'many',
  topicSchema: (config) => (config.value === 'envelope' ? webhookReceived : undefined),
  run: runWebhookSource,
}

async function runWebhookSource(config: WebhookSourceConfig, context: ConnectorContext): Promise<void> {
  const { topic, log, count, signal } = context
  const toValue = createToValue(config, topic, context.name)
  const producer = context.broker.producer(topic)
  const app = createApp({
    config,
    log,
    count,
    async accept(delivery, body, contentType) {
      const value = toValue(delivery, body, contentType)
      await producer.send(value, topic.key === undefined ? { key: delivery.id } : {})
    },
  })
  const timeouts = { requestTimeout: config.requestTimeoutMs, headersTimeout: config.requestTimeoutMs }
  const server = createServer(timeouts, (request, response) => {
    // A connection that becomes idle while draining would hold the server open until its keep-alive ends.
    response.once('close', () => {
      if (signal.aborted) setImmediate(() => server.closeIdleConnections())
    })
    app(request, response)
  })
  try {
    await listen(server, config)
    const { address, port, family } = server.address() as AddressInfo
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${config.path}`
    context.announce({ url, port })
    log.info({ url, topic: topic.name }, 'listening')
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await closeServer(server)
    await producer.close()
  }
}

/** ERR_CONFIG when the topic cannot hold what is to be sent. */
function createToValue(config: WebhookSourceConfig, topic: Topic<unknown>, source: string) {
  if (config.value === 'envelope') {
    return (delivery: Delivery, body: Buffer, contentType: string): unknown => ({
      id: delivery.id,
      source,
      event: delivery.event,
      receivedAt: new Date(),
      contentType,
      body,
    })
  }
  if (topic.value === 'bytes')
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `topic ${topic.name} has no schema; declare it in the connector: topic: { name, schema }, or set value: envelope`,
    )
  const schema = parseSchema(topic.value)
  return (_delivery: Delivery, body: Buffer): unknown => jsonToValue(schema, parseBody(body))
}

async function listen(server: Server, { host, port }: WebhookSourceConfig): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONNECTOR_FAILED',
      `cannot listen on ${host}:${port}: ${errorText(error)}; free the port or choose another`,
      { cause: error, verdict: 'retry', details: { host, port } },
    )
  }
}

/** Takes no new connection, lets requests in hand finish, ends the idle ones. */
async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
}
