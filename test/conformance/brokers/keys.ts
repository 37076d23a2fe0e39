/** murmur2 as Kafka's clients use it: `(hash & 0x7fffffff) % 10`. */
export const KAFKA_KEYS: readonly (readonly [string, number])[] = [
  ['21', (-973932308 & 0x7fffffff) % 10],
  ['foobar', (-790332482 & 0x7fffffff) % 10],
  ['abc', 479470107 % 10],
  ['日本語', 1431860170 % 10],
]

/** murmur3 with RabbitMQ's seed, unsigned: the routing of super streams. */
export const RABBITMQ_KEYS: readonly (readonly [string, number])[] = [
  ['hello', 1321743225 % 10],
  ['order-42', 556465915 % 10],
  ['clé', 503540927 % 10],
]
