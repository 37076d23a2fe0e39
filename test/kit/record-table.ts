const PAGE = 4_096

interface Page {
  readonly flags: Uint8Array
  readonly begunAt: Float64Array
  readonly handler: Int32Array
}

/** What is known of every record of a run, in 13 bytes each, and 4 for its place: millions fit. Records and places are found by number. */
export interface RecordTable {
  /** Number of the record in this table; made where it is new. */
  idOf(source: string, number: number): number
  /** `SOURCE#NUMBER`. */
  nameOf(id: number): string
  flags(id: number): number
  flag(id: number, bit: number): void
  /** The last handler of the record: who it was, and when it began. */
  handler(id: number): { readonly who: number; readonly begunAt: number }
  setHandler(id: number, who: number, begunAt: number): void
  /** The record at the place; undefined where none is known. */
  at(partition: number, offset: number): number | undefined
  setAt(partition: number, offset: number, id: number): void
  /** All ids in use. */
  ids(): Iterable<number>
}

export function createRecordTable(): RecordTable {
  const pages: Page[] = []
  /** By page: whose it is and where it begins among the numbers of its source. */
  const owners: { readonly source: string; readonly first: number }[] = []
  const bySource = new Map<string, Map<number, number>>()
  const places = new Map<number, Map<number, Int32Array>>()

  function newPage(source: string, first: number): number {
    owners.push({ source, first })
    return pages.push({
      flags: new Uint8Array(PAGE),
      begunAt: new Float64Array(PAGE),
      handler: new Int32Array(PAGE),
    })
  }

  function pageOf(id: number): Page {
    const page = pages[Math.floor(id / PAGE)]
    if (page === undefined) throw new Error(`no record ${id} in the table`)
    return page
  }

  function nameOf(id: number): string {
    const owner = owners[Math.floor(id / PAGE)]
    return `${owner?.source}#${(owner?.first ?? 0) + (id % PAGE)}`
  }

  return {
    nameOf,
    idOf(source, number) {
      const own = bySource.get(source) ?? new Map<number, number>()
      if (own.size === 0) bySource.set(source, own)
      const index = Math.floor(number / PAGE)
      const page = own.get(index) ?? newPage(source, index * PAGE) - 1
      own.set(index, page)
      return page * PAGE + (number % PAGE)
    },
    flags: (id) => pageOf(id).flags[id % PAGE] ?? 0,
    flag(id, bit) {
      const { flags } = pageOf(id)
      flags[id % PAGE] = (flags[id % PAGE] ?? 0) | bit
    },
    handler(id) {
      const { handler, begunAt } = pageOf(id)
      return { who: handler[id % PAGE] ?? 0, begunAt: begunAt[id % PAGE] ?? 0 }
    },
    setHandler(id, who, begunAt) {
      const page = pageOf(id)
      page.handler[id % PAGE] = who
      page.begunAt[id % PAGE] = begunAt
    },
    at(partition, offset) {
      const found = places.get(partition)?.get(Math.floor(offset / PAGE))?.[offset % PAGE] ?? 0
      return found === 0 ? undefined : found - 1
    },
    setAt(partition, offset, id) {
      const own = places.get(partition) ?? new Map<number, Int32Array>()
      places.set(partition, own)
      const index = Math.floor(offset / PAGE)
      const page = own.get(index) ?? new Int32Array(PAGE)
      own.set(index, page)
      page[offset % PAGE] = id + 1
    },
    *ids() {
      for (const [page, { flags }] of pages.entries())
        for (let slot = 0; slot < PAGE; slot++) if (flags[slot] !== 0) yield page * PAGE + slot
    },
  }
}
