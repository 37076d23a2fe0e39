import { TOPIC_RESOURCE, describeConfigs } from './calls-topics.ts'
import { type Cluster, type TopicView, persist } from './cluster.ts'
import { KAFKA } from './errors.ts'
import { CONFIGS, isKafkasOwn } from './topics.ts'

/** Topics asked for in one request. */
const TOGETHER = 500
/** Names told of those that share a risk. */
const NAMED = 5

interface Topic {
  readonly view: TopicView
  readonly configs: Readonly<Record<string, string | null>>
}

interface Risk {
  /** As in "3 topics have one copy only (a, b, c): …". */
  readonly what: string
  readonly next: string
  applies(topic: Topic): boolean
}

const RISKS: readonly Risk[] = [
  {
    what: 'one copy only: what was acknowledged is gone with the disk of its node',
    next: 'on a cluster of three nodes, kafka-reassign-partitions.sh gives them three replicas; set default.replication.factor=3 for new ones',
    applies: ({ view }) => view.replicas === 1,
  },
  {
    what: 'min.insync.replicas below 2: a record may be acknowledged while one node alone has it',
    next: 'kafka-configs.sh --alter --entity-type topics --entity-name TOPIC --add-config min.insync.replicas=2',
    applies: ({ view, configs }) => view.replicas >= 3 && Number(configs['min.insync.replicas'] ?? 1) < 2,
  },
  {
    what: 'unclean leader election: a node that lags behind may come to lead, and what it lacks is gone',
    next: 'kafka-configs.sh --alter --entity-type topics --entity-name TOPIC --add-config unclean.leader.election.enable=false',
    applies: ({ configs }) => configs['unclean.leader.election.enable'] === 'true',
  },
  {
    what: "message.timestamp.type CreateTime: reads by time and retention go by the senders' clocks",
    next: 'kafka-configs.sh --alter --entity-type topics --entity-name TOPIC --add-config message.timestamp.type=LogAppendTime',
    applies: ({ configs }) => configs['message.timestamp.type'] === 'CreateTime',
  },
]

/** Of all topics but Kafka's own. A topic whose settings this user may not see is told as such. */
export async function findRisks(cluster: Cluster): Promise<readonly { found: string; next: string }[]> {
  const views = (await persist(() => cluster.topics())).filter(({ name }) => !isKafkasOwn(name))
  const configs = new Map<string, Topic['configs']>()
  for (let at = 0; at < views.length; at += TOGETHER) {
    const names = views.slice(at, at + TOGETHER).map(({ name }) => name)
    const answers = await persist(() => cluster.toAny(describeConfigs(TOPIC_RESOURCE, names, CONFIGS)))
    for (const { name, error, values } of answers) if (error === KAFKA.NONE) configs.set(name, values)
  }
  const topics = views.map((view) => ({ view, configs: configs.get(view.name) ?? {} }))
  const hidden: Risk = {
    what: 'settings that this user may not see',
    next: 'give it DescribeConfigs on them, or look with kafka-configs.sh --describe',
    applies: ({ view }) => !configs.has(view.name),
  }
  return [...RISKS, hidden].flatMap(({ what, next, applies }) => {
    const found = topics.filter(applies).map(({ view }) => view.name)
    return found.length === 0 ? [] : [{ found: `${named(found)} with ${what}`, next }]
  })
}

function named(topics: readonly string[]): string {
  const some = topics.slice(0, NAMED).join(', ')
  const more = topics.length > NAMED ? `, and ${topics.length - NAMED} more` : ''
  return `${topics.length} topic${topics.length === 1 ? '' : 's'} (${some}${more})`
}
