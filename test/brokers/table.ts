import type { Broker, BrokerName } from './broker.ts'
import { kafka, kafka3 } from './kafka.ts'
import { kafkaSecure } from './kafka-secure.ts'
import { rabbitmq3 } from './rabbitmq3.ts'
import { rabbitmq, rabbitmqFaults } from './rabbitmq.ts'
import { registry } from './registry.ts'

export const BROKERS: Readonly<Record<BrokerName, Broker>> = {
  kafka,
  kafka3,
  'kafka-secure': kafkaSecure,
  rabbitmq,
  rabbitmq3,
  'rabbitmq-faults': rabbitmqFaults,
  registry,
}
