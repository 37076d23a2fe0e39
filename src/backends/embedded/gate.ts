import { isMainThread } from 'node:worker_threads'
import { SLOTS } from './requests.ts'

/*
 * When a process exits, Node terminates its threads wherever they are. A writer terminated inside a transaction never
 * ends (lmdb 3.5.6 waits for a lock of its own in its cleanup) and keeps LMDB's lock, so that this process hangs and
 * every other one is locked out: 3 of 25 calls of process.exit() under load. So the exit waits at this gate until the
 * writer is out of LMDB, and lets it in no more.
 */

/** Words of shared memory, behind the claims. */
const INSIDE = SLOTS
const SHUT = SLOTS + 1
export const SHARED_WORDS = SLOTS + 2

const EXIT_WAIT_MS = 5_000

/** In the writer: runs what must not be interrupted. Throws once the process is ending. */
export function insideGate<T>(shared: Int32Array, run: () => T): T {
  // Inside first, then the look: whoever shuts the gate does it the other way round, so one of the two sees the other.
  Atomics.store(shared, INSIDE, 1)
  try {
    if (Atomics.load(shared, SHUT) === 1) throw new Error('this process is ending')
    return run()
  } finally {
    Atomics.store(shared, INSIDE, 0)
    Atomics.notify(shared, INSIDE)
  }
}

const gates = new Set<Int32Array>()

/** In the main thread: holds up the exit of the process until the writer is outside. Call the result when it has ended. */
export function guardExit(shared: Int32Array): () => void {
  if (gates.size === 0) process.on('exit', shutAll)
  gates.add(shared)
  return () => {
    gates.delete(shared)
    if (gates.size === 0) process.off('exit', shutAll)
  }
}

function shutAll(): void {
  for (const shared of gates) Atomics.store(shared, SHUT, 1)
  for (const shared of gates) {
    if (Atomics.wait(shared, INSIDE, 1, EXIT_WAIT_MS) !== 'timed-out') continue
    // It waits for a lock that a stopped process holds. Node would join it for ever; nothing acknowledged is at stake.
    // Another program takes this one's place, and leaves with its exit code; a Node.js without execve just dies.
    const leave = [process.execPath, '-e', `process.exit(${process.exitCode ?? 0})`]
    if (isMainThread) process.execve?.(process.execPath, leave, {})
    process.kill(process.pid, 'SIGKILL')
  }
}
