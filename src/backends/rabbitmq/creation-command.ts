import type { TopicSpec } from '../../core/topic-spec.ts'

/**
 * For whoever may configure. RabbitMQ's own program suffices where nothing goes for its age or size: what a topic keeps stands
 * on a card that only Drawbridge makes.
 */
export function creationCommand(virtualHost: string, { name, partitions, ...kept }: TopicSpec): string {
  const { retentionMs, retentionBytes } = kept
  if (retentionMs === null && retentionBytes === null) {
    const place = virtualHost === '/' ? [] : [`--vhost ${quoted(virtualHost)}`]
    return ['rabbitmq-streams add_super_stream', name, `--partitions ${partitions}`, ...place].join(' ')
  }
  return [
    `drawbridge topics create ${name} --schema FILE --partitions ${partitions}`,
    ...(retentionMs === null ? [] : [`--retention-ms ${retentionMs}`]),
    ...(retentionBytes === null ? [] : [`--retention-bytes ${retentionBytes}`]),
  ].join(' ')
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
