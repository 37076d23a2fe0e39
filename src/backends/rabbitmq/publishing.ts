import type { Log } from '../../core/log.ts'
import type { NewRecord } from '../../core/record.ts'
import type { Connections } from './connections.ts'
import { createPublishLink, MAX_PUBLISHERS, type PublishLink } from './publish-link.ts'

/** Publishes to any number of streams, over as many connections as publisher ids need. */
export interface Publishing {
  append(stream: string, records: readonly NewRecord[]): Promise<void>
  close(): Promise<void>
}

export function createPublishing(connections: Connections, log: Log): Publishing {
  const links: PublishLink[] = []

  function linkOf(stream: string): PublishLink {
    const found =
      links.find(({ streams }) => streams.has(stream)) ?? links.find(({ streams }) => streams.size < MAX_PUBLISHERS)
    if (found !== undefined) return found
    const link = createPublishLink(connections, log)
    links.push(link)
    return link
  }

  return {
    append: (stream, records) => linkOf(stream).append(stream, records),
    close: async () => void (await Promise.all(links.map((link) => link.close()))),
  }
}
