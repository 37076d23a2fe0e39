import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { KAFKA_CLASS_PATH } from '../../brokers/kafka.ts'
import { runProgram } from '../../kit/run-program.ts'

/** Apache Kafka's own programs around its Java client. Each costs a second or two of start-up. */
export const JAVA_TOOLS = {
  producer: 'org.apache.kafka.tools.ConsoleProducer',
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
} as const

/** Why they cannot be run here; undefined where they can. */
export function missingJavaTools(): string | undefined {
  return existsSync(dirname(KAFKA_CLASS_PATH))
    ? undefined
    : "Kafka's Java tools are not in the cache: `npm run brokers -- up kafka` brings them"
}

/** The JVM's arguments for one of them. */
export function javaArguments(tool: keyof typeof JAVA_TOOLS, args: readonly string[]): readonly string[] {
  // Its logger would write to standard output.
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-Dlog4j2.level=OFF']
  return [...options, '-cp', KAFKA_CLASS_PATH, JAVA_TOOLS[tool], ...args]
}

/** Runs one to its end and resolves to its standard output. */
export async function runJava(tool: keyof typeof JAVA_TOOLS, args: readonly string[], input = ''): Promise<string> {
  return (await runProgram('java', javaArguments(tool, args), input)).toString('utf8')
}
