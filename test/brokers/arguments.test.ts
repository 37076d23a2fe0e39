import { expect, test } from '@jest/globals'
import { parseArguments } from './arguments.ts'

test('up takes several brokers, each once', () => {
  expect(parseArguments(['up', 'kafka', 'rabbitmq', 'kafka'])).toEqual({ verb: 'up', brokers: ['kafka', 'rabbitmq'] })
})

test('down without a name is all of them, up without a name is a mistake', () => {
  expect(parseArguments(['down'])).toEqual({
    verb: 'down',
    brokers: ['kafka', 'kafka3', 'kafka-secure', 'rabbitmq', 'rabbitmq3', 'rabbitmq-faults', 'registry'],
  })
  expect(parseArguments(['up'])).toEqual({ mistake: 'up needs the name of a broker' })
})

test('a node is killed with SIGKILL unless another signal is named', () => {
  expect(parseArguments(['kill', 'kafka3-2'])).toEqual({ verb: 'kill', node: 'kafka3-2', signal: 'SIGKILL' })
  expect(parseArguments(['kill', 'rabbitmq', 'SIGSTOP'])).toEqual({ verb: 'kill', node: 'rabbitmq', signal: 'SIGSTOP' })
})

test.each([
  { args: [], mistake: 'it needs a verb' },
  { args: ['raise'], mistake: 'there is no verb "raise"' },
  { args: ['up', 'pulsar'], mistake: 'there is no broker "pulsar"' },
  { args: ['down', 'constructor'], mistake: 'there is no broker "constructor"' },
  { args: ['status', 'kafka'], mistake: 'status takes no arguments' },
  { args: ['start'], mistake: 'start takes the name of one node' },
  { args: ['restart', 'kafka', 'rabbitmq'], mistake: 'restart takes the name of one node' },
  { args: ['kill', 'kafka', 'SIGNONE'], mistake: 'there is no signal "SIGNONE"' },
])('mistake: $mistake', ({ args, mistake }) => {
  expect(parseArguments(args)).toEqual({ mistake })
})
