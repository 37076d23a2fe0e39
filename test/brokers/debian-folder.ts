import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command, Note } from './broker.ts'
import { cacheFolder, entryFolder, fillEntry } from './cache.ts'
import { dockerWay, isRoot, needTools, runTool } from './tools.ts'

const SUITE = 'trixie'

/**
 * Own mount and process namespaces: mounts made inside are seen nowhere else and vanish with the last process, and when the
 * first process ends the kernel ends every other one, daemons included. Nothing is left to unmount or to hunt for.
 */
const NAMESPACES = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'] as const

/** Where a folder of the host appears inside. */
const INSIDE = '/srv/node'

/** A Debian folder with the packages, in the cache under the name. About a minute when it is not there yet. */
export async function fillDebianFolder(name: string, packages: readonly string[], note: Note): Promise<void> {
  if (!isRoot()) throw new Error(`${name} runs in a Debian folder of its own, which only root can make; ${dockerWay()}`)
  await mkdir(cacheFolder(), { recursive: true })
  const log = `${entryFolder(name)}.log`
  await fillEntry(name, async (folder) => {
    await needTools(['debootstrap'], log, note)
    note(`making a Debian ${SUITE} folder with ${packages.join(', ')}: a minute or two (${log})`)
    await runTool(
      NAMESPACES[0],
      [...NAMESPACES.slice(1), 'debootstrap', '--variant=minbase', `--include=${packages.join(',')}`, SUITE, folder],
      log,
    )
    await rm(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true })
    await rm(join(folder, 'var/lib/apt/lists'), { recursive: true, force: true })
  })
}

export interface Inside {
  /** The entry of the cache that holds the Debian folder. */
  readonly debian: string
  /** The node's folder: /srv/node inside, and the working directory there. */
  readonly folder: string
  /** Further folders of the host, by the path they get inside. */
  readonly mounts?: Readonly<Record<string, string>>
  /** User and group of the Debian folder. */
  readonly user: string
  readonly group: string
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
}

const ENTER = `set -eu
root=$1
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
shift
while [ "$1" != -- ]; do
  mkdir -p "$root$1"
  mount --bind "$2" "$root$1"
  shift 2
done
shift
exec chroot "$root" env -i -C ${INSIDE} "$@"
`

/** Runs a command in a Debian folder. It is the first process of its namespace and dies with the one outside. */
export function insideDebian(inside: Inside): Command {
  const mounts = { [INSIDE]: inside.folder, ...inside.mounts }
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: INSIDE, LANG: 'C.UTF-8', ...inside.env }
  const identity = [`--reuid=${inside.user}`, `--regid=${inside.group}`, '--clear-groups', '--pdeathsig=KILL']
  const args = [
    ...NAMESPACES.slice(1),
    'sh',
    '-c',
    ENTER,
    'sh',
    entryFolder(inside.debian),
    ...Object.entries(mounts).flat(),
    '--',
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    'setpriv',
    ...identity,
    ...inside.command,
  ]
  return { file: NAMESPACES[0], args }
}

/** The path inside of a file in the node's folder. */
export function pathInside(file: string): string {
  return `${INSIDE}/${file}`
}
