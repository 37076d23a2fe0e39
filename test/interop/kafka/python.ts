import { findPython as findPythonWith, type Python } from '../python.ts'

/** Independent of ours in every line: a Kafka client and an Avro reader written in Python. */
export function findPython(): Promise<Python | string> {
  return findPythonWith({
    entry: 'python-kafka-3.0.12-fastavro-1.13.1',
    packages: ['kafka-python==3.0.12', 'fastavro==1.13.1'],
    programs: new URL('./programs/', import.meta.url),
  })
}
