/** What a topic is made with, and keeps until it is widened. */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** The newest record of each key is kept for ever, older ones may go. */
  readonly compact: boolean
  /** Records older than this (ms, by `appendedAt`) may go; null: none goes for its age. */
  readonly retentionMs: number | null
  /** The oldest records may go when a partition has more bytes than this; null: none goes for size. */
  readonly retentionBytes: number | null
}

/** What a topic of our own state says of retention. */
export const KEPT_FOR_EVER = { compact: false, retentionMs: null, retentionBytes: null } as const

/** A spec in words; two specs are the same when their words are. */
export function specText({ partitions, compact, retentionMs, retentionBytes }: Omit<TopicSpec, 'name'>): string {
  const parts = [`${partitions} partition${partitions === 1 ? '' : 's'}`]
  if (compact) parts.push('compact')
  if (retentionMs !== null) parts.push(`kept for ${retentionMs} ms`)
  if (retentionBytes !== null) parts.push(`at most ${retentionBytes} bytes per partition`)
  return parts.join(', ')
}
