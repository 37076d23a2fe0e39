import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Note } from './broker.ts'

/** Debian packages by the program that is wanted of them. */
const PACKAGES = { java: 'default-jre-headless', mvn: 'maven', debootstrap: 'debootstrap', openssl: 'openssl' } as const
export type Tool = keyof typeof PACKAGES

const MIN_JAVA = 17

/** Makes sure that the programs are there: by apt-get where we are root, else by saying what to install. */
export async function needTools(tools: readonly Tool[], log: string, note: Note): Promise<void> {
  const missing = tools.filter((tool) => !hasProgram(tool))
  if (missing.length > 0) {
    const packages = missing.map((tool) => PACKAGES[tool])
    const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
    if (!isRoot() || !hasProgram('apt-get')) {
      throw new Error(`${missing.join(' and ')} not found; install with \`${install}\`, or ${dockerWay()}`)
    }
    note(`installing ${packages.join(', ')} with apt-get`)
    await runTool('apt-get', ['update', '-q'], log)
    await runTool('env', ['DEBIAN_FRONTEND=noninteractive', ...install.split(' ')], log)
  }
  if (tools.includes('java')) checkJava()
}

/** The other way to a broker, for error messages. */
export function dockerWay(): string {
  return 'run it elsewhere (docker/compose.*.yaml) and set its variable, such as KAFKA_URL, by hand'
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** Runs a program to its end, output into the log; dies with us, so that nothing goes on filling a folder nobody waits for. */
export async function runTool(file: string, args: readonly string[], log: string): Promise<void> {
  const out = openSync(log, 'a')
  try {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], { stdio: ['ignore', out, out] })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    if (code !== 0)
      throw new Error(`${file} failed (exit ${code ?? 'by a signal'}); the end of ${log}:\n${tailOf(log)}`)
  } finally {
    closeSync(out)
  }
}

/** The last lines of a log, indented, for an error message. */
export function tailOf(log: string, lines = 15): string {
  if (!existsSync(log)) return '  (no log)'
  const all = readFileSync(log, 'utf8').trimEnd().split('\n')
  return all
    .slice(-lines)
    .map((line) => `  ${line}`)
    .join('\n')
}

/** The major version in what `java -version` prints; undefined when there is none. */
export function javaVersion(output: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(output)?.[1]
  return found === undefined ? undefined : Number(found)
}

function checkJava(): void {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = javaVersion(stderr)
  if (version !== undefined && version >= MIN_JAVA) return
  throw new Error(
    `java on the PATH is ${version ?? 'of unknown version'}, Kafka needs ${MIN_JAVA} or newer; put that first on the PATH, or ${dockerWay()}`,
  )
}

function hasProgram(name: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, name)))
}
