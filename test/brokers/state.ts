import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BROKER_NAMES, type BrokerName, type NodePlan } from './broker.ts'
import { runFolder } from './cache.ts'
import { codeOf } from './error.ts'
import { bootId, isAlive, type Leader } from './process-group.ts'

export interface NodeState extends NodePlan {
  /** Absent until it was started for the first time; a dead one's stays. */
  readonly leader?: Leader
}

/** What `up` left behind of one broker, until `down`. */
export interface BrokerState {
  readonly broker: BrokerName
  /** Of the machine's start in which it was written: process ids of another one mean nothing. */
  readonly bootId: string
  /** Where its ports begin: see ports.ts. */
  readonly slot: number
  readonly nodes: readonly NodeState[]
}

/** The state of a broker of this clone; undefined when there is none, or it is from before the machine's last start. */
export function readState(broker: BrokerName, run: string = runFolder()): BrokerState | undefined {
  const path = stateFile(broker, run)
  const text = textOf(path)
  if (text === undefined) return undefined
  const state = parseState(text)
  if (state === undefined) throw new Error(`${path} is no state of a broker; end its processes by hand and remove it`)
  return state.bootId === bootId() ? state : undefined
}

/** Replaces the file in one step, so a reader never sees half of it. */
export function writeState(state: BrokerState, run: string = runFolder()): void {
  const path = stateFile(state.broker, run)
  mkdirSync(dirname(path), { recursive: true })
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(aside, path)
}

export function removeState(broker: BrokerName, run: string = runFolder()): void {
  rmSync(stateFile(broker, run), { force: true })
}

/** States of all brokers in a folder of runs, all clones; unreadable ones are left to their clones. */
export function allStates(runs: string): readonly BrokerState[] {
  return foldersIn(runs).flatMap((clone) =>
    BROKER_NAMES.flatMap((broker) => {
      const text = textOf(stateFile(broker, join(runs, clone)))
      const state = text === undefined ? undefined : parseState(text)
      return state?.bootId === bootId() ? [state] : []
    }),
  )
}

export function parseState(text: string): BrokerState | undefined {
  const value = jsonOf(text)
  if (typeof value !== 'object' || value === null) return undefined
  const { broker, bootId, slot, nodes } = value as Partial<BrokerState>
  const whole = BROKER_NAMES.some((name) => name === broker) && typeof bootId === 'string' && Number.isInteger(slot)
  return whole && Array.isArray(nodes) ? (value as BrokerState) : undefined
}

export function runs(node: NodeState): boolean {
  return node.leader !== undefined && isAlive(node.leader)
}

function stateFile(broker: BrokerName, run: string): string {
  return join(run, broker, 'state.json')
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isAbsent(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
