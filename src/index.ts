export type { AvroSchema, AvroValue } from './avro/infer.ts'
export { defineTopic } from './avro/define-topic.ts'
export type {
  BatchHandler,
  BatchOptions,
  Broker,
  CountOptions,
  From,
  GroupStatus,
  Handler,
  PartitionRange,
  PartitionStatus,
  Producer,
  ProducerOptions,
  ReadOptions,
  Receipt,
  ReplayOptions,
  RetryOptions,
  SendOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionState,
  SubscriptionStatus,
  To,
} from './core/broker.ts'
export type { GroupDescription, TopicDescription } from './core/backend.ts'
export { DrawbridgeError, type ErrorCode, isDrawbridgeError, type Verdict } from './core/errors.ts'
export type { Log } from './core/log.ts'
export type { Message, Redelivery } from './core/message.ts'
export type { Headers } from './core/record.ts'
export type { Topic } from './core/topic.ts'
export { connect, type ConnectOptions } from './open-broker.ts'
export type { RegistryOptions } from './registry/registry-options.ts'
