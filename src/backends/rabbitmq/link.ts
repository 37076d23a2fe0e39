import { randomUUID } from 'node:crypto'
import type { Connections } from './connections.ts'
import { brokerError, closedError } from './errors.ts'
import { CODES, isRefusal } from './protocol/commands.ts'
import type { StreamConnection } from './protocol/stream-connection.ts'

/** One connection, opened when it is needed and again after it was lost. */
export interface Link {
  /** Runs a question; asks once more on a new connection when it is lost meanwhile. `what` names it in errors. */
  ask<T>(what: string, question: (connection: StreamConnection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createLink(connections: Connections, purpose: string): Link {
  const { place } = connections.target
  let current: Promise<StreamConnection> | undefined
  let closed = false

  function connected(): Promise<StreamConnection> {
    current ??= open()
    return current
  }

  function open(): Promise<StreamConnection> {
    const opening = connections.openStreams(`${purpose} ${randomUUID()}`)
    const forget = () => {
      if (current === opening) current = undefined
    }
    opening.then((connection) => connection.closed.then(forget), forget)
    return opening
  }

  return {
    async ask(what, question) {
      for (let tries = 1; ; tries++) {
        if (closed) throw closedError(place)
        const connection = await connected()
        try {
          return await question(connection)
        } catch (error) {
          if (closed) throw closedError(place)
          const lost = connection.failure !== undefined
          if (lost && tries < 2) continue
          if (isRefusal(error, CODES.StreamDoesNotExist)) throw error
          throw brokerError(place, what, error, 'not-written')
        }
      }
    },
    async close() {
      closed = true
      const connection = await current?.catch(() => undefined)
      await connection?.close()
    },
  }
}
