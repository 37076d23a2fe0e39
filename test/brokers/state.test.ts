import { expect, test } from '@jest/globals'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../kit/temp-dir.ts'
import { cacheFolder, runFolder } from './cache.ts'
import { bootId } from './process-group.ts'
import { allStates, type BrokerState, parseState, readState, removeState, writeState } from './state.ts'

const state: BrokerState = {
  broker: 'kafka',
  bootId: bootId(),
  slot: 2,
  nodes: [
    {
      name: 'kafka',
      ports: { client: 20_201, controller: 20_202 },
      folder: '/run/kafka',
      config: '/run/kafka/server.properties',
      log: '/run/kafka/node.log',
      leader: { pid: 4_711, startTime: 99 },
    },
  ],
}

test('a state comes back as it was written, and is gone when removed', () => {
  const run = tempDir()
  expect(readState('kafka', run)).toBeUndefined()
  writeState(state, run)
  expect(readState('kafka', run)).toEqual(state)
  expect(readState('rabbitmq', run)).toBeUndefined()
  removeState('kafka', run)
  expect(readState('kafka', run)).toBeUndefined()
})

test('a state from before the last start of the machine counts for nothing', () => {
  const run = tempDir()
  writeState({ ...state, bootId: 'of another start' }, run)
  expect(readState('kafka', run)).toBeUndefined()
})

test('a damaged state is refused with its path, not taken for none', () => {
  const run = tempDir()
  mkdirSync(join(run, 'kafka'))
  writeFileSync(join(run, 'kafka', 'state.json'), '{"broker":"kafka"')
  expect(() => readState('kafka', run)).toThrow(join(run, 'kafka', 'state.json'))
})

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"broker":"pulsar","bootId":"b","slot":0,"nodes":[]}',
  '{"broker":"kafka","slot":0}',
])('no state: %j', (text) => {
  expect(parseState(text)).toBeUndefined()
})

test('states of all clones are found, also beside rubbish', () => {
  const runs = tempDir()
  writeState(state, join(runs, 'one'))
  writeState({ ...state, broker: 'rabbitmq', slot: 3 }, join(runs, 'two'))
  writeState({ ...state, bootId: 'of another start' }, join(runs, 'three'))
  writeFileSync(join(runs, 'rubbish'), '')
  expect(new Set(allStates(runs).map((found) => found.slot))).toEqual(new Set([2, 3]))
  expect(allStates(join(runs, 'absent'))).toEqual([])
})

test('the cache lies where the environment says', () => {
  expect(cacheFolder({ DRAWBRIDGE_CACHE: '/somewhere' })).toBe('/somewhere')
  expect(cacheFolder({ XDG_CACHE_HOME: '/cache' })).toBe('/cache/drawbridge/brokers')
  expect(cacheFolder({ DRAWBRIDGE_CACHE: '', XDG_CACHE_HOME: '' })).toMatch(/\.cache\/drawbridge\/brokers$/)
})

test('two clones of one name run in two folders, one clone always in the same', () => {
  expect(runFolder('/a/main')).not.toBe(runFolder('/b/main'))
  expect(runFolder('/a/main/')).toBe(runFolder('/a/main'))
})
