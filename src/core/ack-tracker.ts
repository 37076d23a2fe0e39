/** What the tracker knows of a record in hand. */
export interface Ticket {
  readonly offset: number
  readonly bytes: number
  finished: boolean
}

/**
 * Follows which records of one partition are finished, in whatever order, and tells the position that may be committed:
 * it never passes an unfinished record.
 */
export interface AckTracker<K extends Ticket> {
  /** Takes the next record in; offsets increase. */
  add(ticket: K): void
  finish(ticket: K): void
  /** Next offset to handle: every record below it is finished. */
  position(): number
  /** Records and bytes from the oldest unfinished record to the newest taken in, finished ones between them included. */
  held(): { readonly records: number; readonly bytes: number }
  oldest(): K | undefined
}

/** Finished tickets at the front are dropped in blocks of this many, which keeps `finish` cheap on the average. */
const SHED_AT = 1024

export function createAckTracker<K extends Ticket>(start: number): AckTracker<K> {
  let tickets: K[] = []
  let head = 0
  let heldBytes = 0
  let position = start
  return {
    add(ticket) {
      tickets.push(ticket)
      heldBytes += ticket.bytes
    },
    finish(ticket) {
      ticket.finished = true
      for (let first = tickets[head]; first?.finished; first = tickets[head]) {
        position = first.offset + 1
        heldBytes -= first.bytes
        head++
      }
      if (head >= SHED_AT || head === tickets.length) {
        tickets = tickets.slice(head)
        head = 0
      }
    },
    position: () => position,
    held: () => ({ records: tickets.length - head, bytes: heldBytes }),
    oldest: () => tickets[head],
  }
}
