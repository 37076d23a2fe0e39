import { constants } from 'node:os'
import { BROKER_NAMES, type BrokerName } from './broker.ts'

export type Order =
  | { readonly verb: 'up' | 'down'; readonly brokers: readonly BrokerName[] }
  | { readonly verb: 'status' }
  | { readonly verb: 'start' | 'restart'; readonly node: string }
  | { readonly verb: 'kill'; readonly node: string; readonly signal: NodeJS.Signals }

export const USAGE = `usage: npm run brokers -- up NAME…             starts what does not run, prints its variables when all are ready
       npm run brokers -- down [NAME…]       ends them; without a name, all of this clone
       npm run brokers -- status             one JSON line a node: pid, ports, config, log
       npm run brokers -- start|restart NODE one node, its data kept
       npm run brokers -- kill NODE [SIGNAL] SIGKILL when none is named
NAME is one of ${BROKER_NAMES.join(', ')}`

/** What the command line orders, or the mistake in it, to be shown with USAGE. */
export function parseArguments(args: readonly string[]): Order | { readonly mistake: string } {
  const [verb, ...rest] = args
  switch (verb) {
    case 'up':
    case 'down': {
      const unknown = rest.find((name) => !isBrokerName(name))
      if (unknown !== undefined) return { mistake: `there is no broker ${JSON.stringify(unknown)}` }
      if (verb === 'up' && rest.length === 0) return { mistake: 'up needs the name of a broker' }
      const named = rest.filter(isBrokerName)
      return { verb, brokers: [...new Set(named.length === 0 ? BROKER_NAMES : named)] }
    }
    case 'status':
      return rest.length === 0 ? { verb } : { mistake: 'status takes no arguments' }
    case 'start':
    case 'restart': {
      const [node, ...more] = rest
      return node === undefined || more.length > 0 ? { mistake: `${verb} takes the name of one node` } : { verb, node }
    }
    case 'kill': {
      const [node, signal = 'SIGKILL', ...more] = rest
      if (node === undefined || more.length > 0) return { mistake: 'kill takes the name of one node and a signal' }
      return isSignal(signal) ? { verb, node, signal } : { mistake: `there is no signal ${JSON.stringify(signal)}` }
    }
    case undefined:
      return { mistake: 'it needs a verb' }
    default:
      return { mistake: `there is no verb ${JSON.stringify(verb)}` }
  }
}

function isBrokerName(name: string): name is BrokerName {
  return (BROKER_NAMES as readonly string[]).includes(name)
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name)
}
