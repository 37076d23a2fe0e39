import { afterAll, beforeAll } from '@jest/globals'
import { errorText } from '../../../src/core/errors.ts'
import { listNodes } from '../../brokers/nodes.ts'
import { runRabbitmqctl } from '../../brokers/rabbitmq.ts'
import { readState } from '../../brokers/state.ts'
import { isRoot } from '../../brokers/tools.ts'
import { down, up } from '../../brokers/up.ts'
import { missing as sharedMissing } from './broker.ts'

/** The node that tests may stop and change. */
export const NODE = 'rabbitmq-faults'
const UP_MS = 300_000

/** Why there can be none. */
export const missing =
  sharedMissing ??
  (isRoot() ? undefined : 'a broker that tests may stop runs in a Debian folder, which only root can make')

/** Brings the broker up for this test file, and down again unless it ran before. Gives its URL. */
export function ownBroker(): () => string {
  let url = ''
  let ranBefore = false
  beforeAll(async () => {
    if (missing !== undefined) return
    ranBefore = listNodes().some(({ node, running }) => node === NODE && running)
    const variables = await up([NODE], () => undefined)
    url = variables['RABBITMQ_FAULTS_URL'] ?? ''
  }, UP_MS)
  afterAll(async () => {
    if (missing === undefined && !ranBefore) await down([NODE], () => undefined)
  }, UP_MS)
  return () => url
}

/** `rabbitmqctl ARGS…` for that broker. */
export async function rabbitmqctl(...args: readonly string[]): Promise<string> {
  const node = readState(NODE)?.nodes[0]
  if (node === undefined) throw new Error(`${NODE} is not up`)
  return runRabbitmqctl(node, args).catch((error: unknown) => {
    throw new Error(`rabbitmqctl ${args.join(' ')}: ${errorText(error)}`)
  })
}
