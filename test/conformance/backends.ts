import { embedded } from './brokers/embedded.ts'
import { kafka } from './brokers/kafka.ts'
import { rabbitmq } from './brokers/rabbitmq.ts'
import type { BackendUnderTest } from './under-test.ts'

/** All backends the suite runs on. */
export const BACKENDS: readonly BackendUnderTest[] = [embedded, kafka, rabbitmq]
