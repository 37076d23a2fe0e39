import type { Log } from '../../core/log.ts'
import type { NewRecord } from '../../core/record.ts'
import { createPublishLink, MAX_PUBLISHERS, type PublishLink } from './publish-link.ts'
import type { Target } from './url.ts'

/** Publishes to any number of streams, over as many connections as publisher ids need. */
export interface Publishing {
  append(stream: string, records: readonly NewRecord[]): Promise<void>
  close(): Promise<void>
}

export function createPublishing(target: Target, log: Log): Publishing {
  const links: PublishLink[] = []

  function linkOf(stream: string): PublishLink {
    const found =
      links.find(({ streams }) => streams.has(stream)) ?? links.find(({ streams }) => streams.size < MAX_PUBLISHERS)
    if (found !== undefined) return found
    const link = createPublishLink(target, log)
    links.push(link)
    return link
  }

  return {
    append: (stream, records) => linkOf(stream).append(stream, records),
    close: async () => void (await Promise.all(links.map((link) => link.close()))),
  }
}
