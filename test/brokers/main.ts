// `npm run brokers -- …`: real brokers for tests, without Docker. Variables on standard output, progress on standard error.
import { parseArguments, USAGE } from './arguments.ts'
import { messageOf } from './error.ts'
import { killNode, listNodes, restartNode, startNode } from './nodes.ts'
import { down, up } from './up.ts'

const USAGE_EXIT = 64

const order = parseArguments(process.argv.slice(2))
if ('mistake' in order) {
  note(order.mistake)
  console.error(USAGE)
  process.exitCode = USAGE_EXIT
} else {
  await obey(order).catch((error: unknown) => {
    note(messageOf(error))
    process.exitCode = 1
  })
}

async function obey(order: Exclude<ReturnType<typeof parseArguments>, { mistake: string }>): Promise<void> {
  if (process.platform !== 'linux') {
    throw new Error('brokers run here on Linux only; use docker/compose.kafka.yaml and docker/compose.rabbitmq.yaml')
  }
  switch (order.verb) {
    case 'up':
      for (const [name, value] of Object.entries(await up(order.brokers, note))) console.log(`${name}=${quoted(value)}`)
      return
    case 'down':
      return down(order.brokers, note)
    case 'status':
      for (const node of listNodes()) console.log(JSON.stringify(node))
      return
    case 'start':
      return startNode(order.node)
    case 'restart':
      return restartNode(order.node)
    case 'kill':
      return killNode(order.node, order.signal)
  }
}

function note(text: string): void {
  console.error(`brokers: ${text}`)
}

/** For a shell's `eval`: an & would end the assignment. */
function quoted(value: string): string {
  return /^[\w.:/@,=-]+$/.test(value) ? value : `'${value}'`
}
