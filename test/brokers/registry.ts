import { writeFile } from 'node:fs/promises'
import { type Broker, type NodePlan, type Note, portOf } from './broker.ts'
import { entryFolder, fillEntry } from './cache.ts'
import { fillDebianFolder, insideDebian, pathInside } from './debian-folder.ts'
import { resolveArtifacts } from './maven.ts'
import { needTools } from './tools.ts'

const VERSION = '3.3.3'
const ENTRY = `apicurio-${VERSION}`
/** Apicurio 3.3 wants Java 21; the Java of Debian 12 is 17. */
const DEBIAN = 'java21-trixie'
const APP = '/srv/app'

/** Apicurio: a schema registry of other people that speaks Confluent's REST dialect; it keeps all in memory. */
export const registry: Broker = {
  name: 'registry',
  nodes: [{ name: 'registry', ports: { http: 31, management: 32 } }],
  config: 'application.properties',
  install,
  prepare: async (nodes) => {
    for (const node of nodes) await writeFile(node.config, renderRegistryConfig(node))
  },
  command: (node) =>
    insideDebian({
      debian: DEBIAN,
      folder: node.folder,
      mounts: { [APP]: entryFolder(ENTRY) },
      user: 'nobody',
      group: 'nogroup',
      env: { QUARKUS_CONFIG_LOCATIONS: pathInside('application.properties') },
      command: ['java', '-Xmx384m', '-XX:+UseSerialGC', '-jar', `${APP}/quarkus-run.jar`],
    }),
  probe: async (node) => {
    const answer = await fetch(`${urlOf(node)}/subjects`, { signal: AbortSignal.timeout(10_000) })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`${urlOf(node)}/subjects answers ${answer.status}`)
  },
  variables: (nodes) =>
    Object.assign({}, ...nodes.map((node) => ({ REGISTRY_URL: urlOf(node) }))) as Record<string, string>,
}

async function install(note: Note): Promise<void> {
  const log = `${entryFolder(ENTRY)}.log`
  await fillDebianFolder(DEBIAN, ['openjdk-21-jre-headless'], note)
  await fillEntry(ENTRY, async (folder) => {
    await needTools(['java', 'mvn'], log, note)
    note(`getting Apicurio ${VERSION} with maven: half a minute (${log})`)
    const app = { group: 'io.apicurio', name: 'apicurio-registry-app', version: VERSION }
    await resolveArtifacts([{ ...app, type: 'tar.gz', classifier: 'all', alone: true }], 'unpack', folder, log)
  })
}

export function renderRegistryConfig(node: NodePlan): string {
  return `quarkus.http.host=127.0.0.1
quarkus.http.port=${portOf(node, 'http')}
quarkus.management.host=127.0.0.1
quarkus.management.port=${portOf(node, 'management')}
apicurio.rules.global.compatibility=BACKWARD
`
}

function urlOf(node: NodePlan): string {
  return `http://127.0.0.1:${portOf(node, 'http')}/apis/ccompat/v7`
}
