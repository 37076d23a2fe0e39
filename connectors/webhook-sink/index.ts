import type { Connector, ConnectorContext } from '../../src/connect/connector.ts'
import { redactUrl } from '../../src/connect/fields.ts'
import { runSubscription } from '../../src/connect/run-subscription.ts'
import { signWebhook } from '../../src/connect/standard-webhooks.ts'
import { checkWebhookSinkConfig, type WebhookSinkConfig, webhookSinkConfig } from './config.ts'
import { createEnvelope, webhookId } from './envelope.ts'
import { createPoster } from './post.ts'
import { errorOfAnswer } from './verdict.ts'

export const webhookSink: Connector<WebhookSinkConfig> = {
  type: 'webhook-sink',
  kind: 'sink',
  summary: 'Each record is one POST, signed as Standard Webhooks; the position moves after a 2xx.',
  config: webhookSinkConfig,
  check: checkWebhookSinkConfig,
  copies: 'many',
  run: runWebhookSink,
}

async function runWebhookSink(config: WebhookSinkConfig, context: ConnectorContext): Promise<void> {
  const { broker, topic, name, count, signal } = context
  const { incarnation } = await broker.topics.describe(topic.name)
  const envelope = createEnvelope(topic)
  const poster = createPoster(config)
  const { maxRetryAfterMs, ...retry } = config.retry
  context.log.info({ endpoint: redactUrl(config.url), topic: topic.name }, 'delivering')
  try {
    const subscription = await broker.subscribe(
      topic,
      {
        group: name,
        from: context.from,
        concurrency: config.concurrency,
        retry,
        drainTimeoutMs: context.drainTimeoutMs,
      },
      async (message, attemptSignal) => {
        const id = webhookId(incarnation, message)
        const body = envelope(message)
        const timestamp = String(Math.floor(Date.now() / 1_000))
        const headers = {
          ...config.headers,
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signWebhook({ id, timestamp, body }, config.secrets),
        }
        count('delivery_attempts_total')
        const answer = await poster.post(headers, body, attemptSignal).catch((error: unknown) => {
          count('delivery_failures_total')
          throw error
        })
        const error = errorOfAnswer(answer, { webhookId: id }, maxRetryAfterMs)
        count(error === undefined ? 'deliveries_total' : 'delivery_failures_total')
        if (error !== undefined) throw error
      },
    )
    await runSubscription(subscription, signal)
  } finally {
    await poster.close()
  }
}
