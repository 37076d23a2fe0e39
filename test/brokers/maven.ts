import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from './tools.ts'

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
  /** Such as `tar.gz`; absent: a jar. */
  readonly type?: string
  readonly classifier?: string
  /** Itself only, not what it depends on. */
  readonly alone?: boolean
}

/** Puts the artifacts and what they depend on into a folder: as files, or (archives) unpacked. */
export async function resolveArtifacts(
  artifacts: readonly Artifact[],
  how: 'copy' | 'unpack',
  folder: string,
  log: string,
): Promise<void> {
  const project = join(folder, '.project')
  await mkdir(project)
  await writeFile(join(project, 'pom.xml'), renderPom(artifacts))
  await runTool(
    'mvn',
    [
      '--batch-mode',
      '--quiet',
      `--file=${project}`,
      `${DEPENDENCY_PLUGIN}:${how}-dependencies`,
      '-DincludeScope=runtime',
      `-DoutputDirectory=${folder}`,
    ],
    log,
  )
  await rm(project, { recursive: true })
}

export function renderPom(artifacts: readonly Artifact[]): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>drawbridge</groupId>
  <artifactId>brokers</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${artifacts.map(renderDependency).join('\n')}
  </dependencies>
</project>
`
}

function renderDependency({ group, name, version, type, classifier, alone }: Artifact): string {
  const fields = [
    `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`,
    ...(type === undefined ? [] : [`<type>${type}</type>`]),
    ...(classifier === undefined ? [] : [`<classifier>${classifier}</classifier>`]),
    ...(alone === true
      ? ['<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>']
      : []),
  ]
  return `    <dependency>${fields.join('')}</dependency>`
}
