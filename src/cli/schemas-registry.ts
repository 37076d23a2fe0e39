import type { Command } from 'commander'
import type { CompatibilityLevel } from '../avro/compatibility.ts'
import { DrawbridgeError } from '../core/errors.ts'
import { valueSubject } from '../core/topic.ts'
import { readFileArgument } from './argument.ts'
import { globalsOf, withBroker } from './globals.ts'
import { list, output } from './output.ts'

export function addSchemasRegistry(schemas: Command): void {
  schemas
    .command('list [subject]')
    .description('subjects of the registry, or the versions of one')
    .option('--deleted', 'softly deleted ones, too')
    .action((subject: string | undefined, options: { deleted?: true }, command: Command) =>
      listSchemas(subject, options.deleted === true, command),
    )
  schemas
    .command('push <file>')
    .description('register a schema file (.avsc); the same again changes nothing')
    .option('--subject <name>', 'the subject')
    .option('--topic <name>', 'the topic whose values it is for: the subject NAME-value')
    .option('--dry-run', 'say whether it could be registered; nothing is changed')
    .action((file: string, options: PushOptions, command: Command) => push(file, options, command))
  schemas
    .command('level [level]')
    .description('show or set the compatibility level, such as FULL_TRANSITIVE; `default` takes it back')
    .option('--subject <name>', 'of this subject instead of the whole registry')
    .action((level: string | undefined, options: { subject?: string }, command: Command) =>
      showLevel(level, options.subject ?? null, command),
    )
  schemas
    .command('bind')
    .description('note --registry in the broker as the one its schema ids are of, in place of another')
    .action((_options: object, command: Command) => bind(command))
}

interface PushOptions {
  readonly subject?: string
  readonly topic?: string
  readonly dryRun?: boolean
}

async function listSchemas(subject: string | undefined, deleted: boolean, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async ({ registry }) => {
    if (subject === undefined) {
      const rows = []
      for (const name of await registry.subjects({ deleted })) {
        const latest = await registry.latest(name, { deleted })
        if (latest !== null)
          rows.push({ subject: name, latest: latest.version, id: latest.id, level: await registry.level(name) })
      }
      await list(globals, rows, ['subject', 'latest', 'id', 'level'])
      if (rows.length === 0 && !globals.json) output.note('no schemas yet; declaring a topic registers its schema')
      return
    }
    const rows = []
    for (const version of await registry.versions(subject, { deleted })) {
      const found = await registry.version(subject, version, { deleted })
      if (found !== null) rows.push({ version, id: found.id, schema: JSON.parse(found.schema) as unknown })
    }
    if (rows.length === 0)
      throw new DrawbridgeError(
        'ERR_SCHEMA_UNKNOWN',
        `there is no subject ${JSON.stringify(subject)}; \`drawbridge schemas list\` shows what there is`,
      )
    await list(globals, rows, ['version', 'id', 'schema'])
  })
}

async function push(file: string, options: PushOptions, command: Command): Promise<void> {
  const globals = globalsOf(command)
  const subject = subjectOf(options)
  const text = await readFileArgument('FILE', file)
  const { checkSchema } = await import('../avro/check-schema.ts')
  checkSchema(text)
  await withBroker(globals, async ({ registry }) => {
    if (options.dryRun === true) {
      const differences = await registry.check(subject, text)
      if (differences.length > 0)
        throw new DrawbridgeError(
          'ERR_SCHEMA_INCOMPATIBLE',
          `${file} could not be registered under ${subject}: ${differences.join('; ')}`,
          { details: { subject, differences } },
        )
      if (globals.json) await output.data({ subject, compatible: true })
      else output.note(`${file} could be registered under ${subject}`)
      return
    }
    const { version, id } = await registry.register(subject, text)
    if (globals.json) await output.data({ subject, version, id })
    else await output.line(`${subject}: version ${version}, id ${id}`)
  })
}

function subjectOf({ subject, topic }: PushOptions): string {
  if (subject !== undefined && topic === undefined) return subject
  if (topic !== undefined && subject === undefined) return valueSubject(topic)
  throw new DrawbridgeError('ERR_CONFIG', 'say what the schema is for: --topic NAME, or --subject NAME')
}

async function showLevel(text: string | undefined, subject: string | null, command: Command): Promise<void> {
  const globals = globalsOf(command)
  await withBroker(globals, async ({ registry }) => {
    if (text !== undefined) await registry.setLevel(subject, await parseLevel(text))
    const own = await registry.level(subject)
    const level = own ?? (await registry.level(null))
    if (globals.json) await output.data({ subject, level, own: own !== null })
    else await output.line(`${subject ?? 'the registry'}: ${level}${own === null ? ' (as the registry)' : ''}`)
  })
}

async function parseLevel(text: string): Promise<CompatibilityLevel | null> {
  if (text === 'default') return null
  const { COMPATIBILITY_LEVELS } = await import('../avro/compatibility.ts')
  const level = COMPATIBILITY_LEVELS.find((each) => each === text.toUpperCase())
  if (level !== undefined) return level
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `level ${JSON.stringify(text)}: use one of ${COMPATIBILITY_LEVELS.join(', ')}, or default`,
  )
}

async function bind(command: Command): Promise<void> {
  const globals = globalsOf(command)
  const { placeText } = await import('../registry/bound-registry.ts')
  await withBroker(globals, async ({ registry }) => {
    await registry.bind()
    const { place } = registry
    if (globals.json) await output.data({ bound: place })
    else await output.line(`the schema ids of this broker are of ${placeText(place)} from now on`)
  })
}
