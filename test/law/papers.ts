/** Papers every reader may expect at the root. */
export const ROOT_PAPERS = [
  'README.md',
  'ARCHITECTURE.md',
  'DECISIONS.md',
  'ERRORS.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'LICENSE',
] as const

/** Runtime dependencies that no heading or list entry of DECISIONS.md explains. */
export function undecidedDependencies(packageJson: string, decisions: string): readonly string[] {
  const { dependencies = {} } = JSON.parse(packageJson) as { dependencies?: Record<string, string> }
  const entries = decisions.split('\n').filter((line) => /^\s*(?:#|[-*|]|\d+\.)/.test(line))
  return Object.keys(dependencies).filter((name) => !entries.some((line) => line.includes(`\`${name}\``)))
}

/** Lines of a lock file that bind it to one registry. */
export function registryHosts(lockFile: string): readonly string[] {
  return lockFile.split('\n').filter((line) => /"resolved"\s*:|"registry"\s*:/.test(line))
}
