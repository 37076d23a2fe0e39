import { constants, existsSync } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hasCode } from '../core/errors.ts'
import { type OpenBroker, openBroker } from '../open-broker.ts'
import { placeText } from '../registry/bound-registry.ts'
import type { RegistryOptions } from '../registry/registry-options.ts'
import { examineLock, examineStore } from './examine-store.ts'
import { describeFault, type Finding } from './finding.ts'

const LEAST_NODE = 22
const CONNECT_TIMEOUT_MS = 10_000
const MIB = 1_048_576
/** Free disk space below which a store is in danger, or soon will be. */
const FAIL_BELOW_MIB = 100
const WARN_BELOW_MIB = 1_024

/** Examines this machine and the broker; each finding as soon as it is known. Creates nothing. */
export async function* examine(brokerUrl: string, registry?: RegistryOptions): AsyncGenerator<Finding> {
  yield examineNode()
  const embedded = /^embedded:(.+)$/.exec(brokerUrl)?.[1]
  const directory = embedded === undefined ? undefined : resolve(embedded)
  if (directory !== undefined) yield* examineDirectory(directory)
  if (directory === undefined || existsSync(directory)) yield* examineBroker(brokerUrl, registry, directory)
  yield await examineSchemas('schemas')
}

function examineNode(): Finding {
  const version = process.versions.node
  const found = `Node.js ${version}`
  if (Number(version.split('.')[0]) >= LEAST_NODE) return { check: 'node', status: 'ok', found }
  return { check: 'node', status: 'fail', found, next: `install Node.js ${LEAST_NODE} or newer` }
}

async function* examineDirectory(directory: string): AsyncGenerator<Finding> {
  const exists = existsSync(directory)
  const standing = exists ? directory : nearestExisting(directory)
  if (await canWrite(standing)) {
    const found = exists ? `${directory} is writable` : `${directory} is not there yet; it is created at first use`
    yield { check: 'store', status: exists ? 'ok' : 'warn', found }
  } else {
    yield {
      check: 'store',
      status: 'fail',
      found: `${standing} is not writable`,
      next: 'give this user the right to write there, or choose another directory with --broker embedded:DIR',
    }
  }
  const { bavail, bsize } = await statfs(standing)
  const freeMib = Math.floor((bavail * bsize) / MIB)
  const status = freeMib < FAIL_BELOW_MIB ? 'fail' : freeMib < WARN_BELOW_MIB ? 'warn' : 'ok'
  yield {
    check: 'disk',
    status,
    found: `${freeMib} MiB free`,
    ...(status === 'ok' ? {} : { next: `free at least ${WARN_BELOW_MIB} MiB` }),
  }
}

async function canWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path))
}

async function* examineBroker(
  url: string,
  registry: RegistryOptions | undefined,
  directory: string | undefined,
): AsyncGenerator<Finding, void, undefined> {
  // The rest of a URL may carry a password.
  const scheme = url.split(':', 1)[0] ?? ''
  let broker: OpenBroker
  const started = performance.now()
  try {
    broker = await inTime(openBroker(url, { registry }))
  } catch (error) {
    yield {
      check: 'broker',
      status: 'fail',
      found: `${scheme}: ${describeFault(error)}`,
      next: 'check the URL and that the broker runs',
    }
    if (directory !== undefined && hasCode(error, 'ERR_STORE_BUSY')) yield await examineLock(directory)
    return
  }
  try {
    const ms = Math.round(performance.now() - started)
    const topics = await inTime(broker.topics.list())
    yield { check: 'broker', status: 'ok', found: `${scheme}: answered in ${ms} ms, ${topics.length} topics` }
    yield await examineRegistry(broker)
    if (directory !== undefined) yield* examineStore(directory)
    yield* await examineRisks(broker)
  } catch (error) {
    yield {
      check: 'broker',
      status: 'fail',
      found: `${scheme}: ${describeFault(error)}`,
      next: 'read the message; the broker answered, but not as it should',
    }
  } finally {
    await broker.close()
  }
}

async function examineRisks({ backend }: OpenBroker): Promise<readonly Finding[]> {
  if (backend.findRisks === undefined) return []
  const risks = await inTime(backend.findRisks())
  if (risks.length === 0) return [{ check: 'topics', status: 'ok', found: 'no setting endangers a record' }]
  return risks.map(({ found, next }) => ({ check: 'topics', status: 'warn', found, next }))
}

async function examineRegistry(broker: OpenBroker): Promise<Finding> {
  try {
    const subjects = await inTime(broker.registry.subjects())
    return {
      check: 'registry',
      status: 'ok',
      found: `${placeText(broker.registry.place)}: ${subjects.length} subjects`,
    }
  } catch (error) {
    return {
      check: 'registry',
      status: 'fail',
      found: describeFault(error),
      next: 'read the message; without schemas no value can be read or written',
    }
  }
}

async function examineSchemas(directory: string): Promise<Finding> {
  const check = 'schemas'
  if (!existsSync(directory)) return { check, status: 'ok', found: `no directory ${directory} here` }
  const next = '`drawbridge schemas generate` writes them anew'
  try {
    const { generateAll } = await import('../avro/generate.ts')
    const files = await generateAll(directory, { check: true })
    const wrong = files.filter(({ state }) => state !== 'same').map(({ file }) => file)
    if (wrong.length === 0) return { check, status: 'ok', found: `${files.length} generated files match their schemas` }
    return { check, status: 'warn', found: `out of date: ${wrong.join(', ')}`, next }
  } catch (error) {
    return { check, status: 'fail', found: describeFault(error), next: 'correct the schema' }
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
