import type { Command } from 'commander'
import type { Broker, GroupStatus } from '../core/broker.ts'
import { DrawbridgeError, hasCode } from '../core/errors.ts'
import { parseReset } from './argument.ts'
import { confirm } from './confirm.ts'
import { globalsOf, withBroker } from './globals.ts'
import { list, output, printTable } from './output.ts'

export function addGroups(program: Command): void {
  const groups = program.command('groups').description('list, describe, move and forget consumer groups')
  groups
    .command('list')
    .description('all groups, with the topic each has positions on')
    .action((_options: object, command: Command) => listGroups(command))
  groups
    .command('describe <group> [topic]')
    .description('positions, lag and live members; on every topic of the group, or on one')
    .action((group: string, topic: string | undefined, _options: object, command: Command) =>
      describeGroup(group, topic, command),
    )
  groups
    .command('reset <group> <topic>')
    .description('move an idle group; tells where it was, so that it can go back')
    .requiredOption('--to <position>', 'earliest, end, an offset (one partition), P:OFFSET[,P:OFFSET…], or an ISO time')
    .action((group: string, topic: string, options: { to: string }, command: Command) =>
      resetGroup(group, topic, options.to, command),
    )
  groups
    .command('delete <group> <topic>')
    .description('forget an idle group’s positions; it begins anew when it comes again')
    .option('--yes', 'do not ask')
    .action((group: string, topic: string, options: { yes?: boolean }, command: Command) =>
      deleteGroup(group, topic, options, command),
    )
}

async function listGroups(command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    const groups = await broker.groups.list()
    await list(globals, groups, ['group', 'topic'])
    if (groups.length === 0 && !globals.json) output.note('no groups yet; a consumer with --group makes one')
  })
}

async function describeGroup(group: string, topic: string | undefined, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    const topics =
      topic === undefined
        ? (await broker.groups.list()).filter((known) => known.group === group).map((known) => known.topic)
        : [topic]
    if (topics.length === 0)
      throw new DrawbridgeError('ERR_GROUP_UNKNOWN', `group ${JSON.stringify(group)} is not known; check its name`)
    for (const name of topics) {
      const description = await broker.groups.describe(group, name)
      if (globals.json) await output.data(description)
      else await tell(description)
    }
  })
}

async function tell(description: GroupStatus, was?: readonly (number | null)[]): Promise<void> {
  const { group, topic, members, positions, replay } = description
  await output.line(`group ${group} on topic ${topic}: ${members.length === 0 ? 'idle' : `${members.length} live`}`)
  const holders = new Map(
    members.flatMap(({ id, partitions }) => partitions.map((partition) => [partition, id] as const)),
  )
  const rows = positions.map(({ next, end, lag }, partition) => ({
    partition,
    was: was?.[partition],
    next,
    end,
    lag,
    member: holders.get(partition),
    'replays to': replay?.[partition]?.to,
  }))
  const columns = ['partition', ...(was === undefined ? [] : ['was']), 'next', 'end', 'lag', 'member']
  await printTable(rows, replay === undefined ? columns : [...columns, 'replays to'])
}

async function deleteGroup(group: string, topic: string, options: { yes?: boolean }, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async (broker) => {
    await broker.groups.describe(group, topic)
    await confirm(`forget where group ${group} stands on topic ${topic}`, options.yes === true)
    await broker.groups.delete(group, topic)
    if (globals.json) await output.data({ deleted: { group, topic } })
    else await output.line(`deleted group ${group} on topic ${topic}`)
  })
}

/** Empty where the group was never there. */
async function positionsOf(broker: Broker, group: string, topic: string): Promise<readonly (number | null)[]> {
  try {
    return (await broker.groups.describe(group, topic)).positions.map(({ next }) => next)
  } catch (error) {
    if (hasCode(error, 'ERR_GROUP_UNKNOWN')) return []
    throw error
  }
}

async function resetGroup(group: string, topic: string, to: string, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const position = parseReset('--to', to)
  await withBroker(globals, async (broker) => {
    const was = await positionsOf(broker, group, topic)
    await broker.groups.reset(group, topic, { to: position })
    const description = await broker.groups.describe(group, topic)
    if (globals.json) await output.data({ ...description, was })
    else await tell(description, was)
  })
}
