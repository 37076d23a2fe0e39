/** The part of a lock file (version 3) that matters here. */
export interface LockFile {
  packages: Record<string, LockedPackage>
}

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly license?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface LockGap {
  readonly name: string
  readonly version: string
  readonly parent: LockedPackage
}

/**
 * Optional packages that a locked package names and the lock file lacks. npm leaves out those the registry at hand does
 * not hold (binaries of other platforms), and `npm ci` then refuses the lock file as a whole.
 */
export function lockGaps(lock: LockFile): readonly LockGap[] {
  return Object.entries(lock.packages).flatMap(([path, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !isLocked(lock, path, name))
      .map(([name, version]) => ({ name, version, parent })),
  )
}

/** Adds the gaps, by the platform their names tell; without integrity, which only a registry that holds them knows. */
export function completeLock(lock: LockFile): LockFile {
  const added = lockGaps(lock).map(({ name, version, parent }) => {
    const { cpu, libc, os } = platformOf(name)
    const place = { ...(cpu === undefined ? {} : { cpu: [cpu] }), ...(libc === undefined ? {} : { libc: [libc] }) }
    const kept = {
      ...(parent.dev === true ? { dev: true } : {}),
      ...(parent.license === undefined ? {} : { license: parent.license }),
    }
    return [
      `node_modules/${name}`,
      { version, ...place, ...kept, optional: true, ...(os === undefined ? {} : { os: [os] }) },
    ] as const
  })
  const entries: (readonly [string, LockedPackage])[] = [...Object.entries(lock.packages), ...added]
  return { ...lock, packages: Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b, 'en'))) }
}

function isLocked(lock: LockFile, path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in lock.packages) return true
    if (at === '') return false
  }
}

function platformOf(name: string) {
  const os = /android|darwin|linux|win32|freebsd|openharmony/.exec(name)?.[0]
  const cpu = /arm64|x64|ia32|ppc64|s390x|riscv64|loong64|arm/.exec(
    name.slice(name.lastIndexOf(os ?? '') + (os ?? '').length),
  )?.[0]
  const libc = name.includes('musl') ? 'musl' : os === 'linux' && name.includes('gnu') ? 'glibc' : undefined
  return { cpu, libc, os }
}
