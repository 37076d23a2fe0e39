import type { TopicSpec } from '../../core/topic-spec.ts'

type Retention = Pick<TopicSpec, 'retentionMs' | 'retentionBytes'>

/** RabbitMQ drops whole segments, never the last one, and looks when it begins a new one: small segments make a bound true. */
function segmentBytes({ retentionMs, retentionBytes }: Retention): number | undefined {
  if (retentionBytes !== null) return Math.min(500_000_000, Math.max(16_384, Math.floor(retentionBytes / 4)))
  return retentionMs === null ? undefined : 16_000_000
}

function maxAge(retentionMs: number): string {
  return `${Math.max(1, Math.ceil(retentionMs / 1_000))}s`
}

/** As the stream protocol's arguments. */
export function retentionArguments(spec: Retention): Record<string, string> {
  const segment = segmentBytes(spec)
  return {
    ...(spec.retentionMs === null ? {} : { 'max-age': maxAge(spec.retentionMs) }),
    ...(spec.retentionBytes === null ? {} : { 'max-length-bytes': String(spec.retentionBytes) }),
    ...(segment === undefined ? {} : { 'stream-max-segment-size-bytes': String(segment) }),
  }
}

/** The same by AMQP 0-9-1. */
export function queueOptions(spec: Retention): { durable: true; arguments: Record<string, unknown> } {
  const segment = segmentBytes(spec)
  return {
    durable: true,
    arguments: {
      'x-queue-type': 'stream',
      ...(spec.retentionMs === null ? {} : { 'x-max-age': maxAge(spec.retentionMs) }),
      ...(spec.retentionBytes === null ? {} : { 'x-max-length-bytes': spec.retentionBytes }),
      ...(segment === undefined ? {} : { 'x-stream-max-segment-size-bytes': segment }),
      'x-queue-leader-locator': 'balanced',
    },
  }
}
