import type { Lmdb } from './lmdb.ts'

/** A thread that may read: it keeps its slot in LMDB's table from its first read on. */
export interface ReaderSlot {
  readonly pid: number
  /** Transaction whose pages it keeps from being used again; null while it reads nothing. */
  readonly txn: number | null
}

/** LMDB's table of readers, the dead ones' slots among them. Takes no slot itself. */
export function readerTable(db: Lmdb): readonly ReaderSlot[] {
  return parseReaderTable(db.readerList())
}

/** Reads what mdb_reader_list prints: a head line, then pid, thread and transaction ("-" for none) of each slot. */
export function parseReaderTable(text: string): readonly ReaderSlot[] {
  return [...text.matchAll(/^\s*(\d+)\s+[0-9a-f]+\s+(-|\d+)\s*$/gm)].map(([, pid, txn]) => ({
    pid: Number(pid),
    txn: txn === '-' ? null : Number(txn),
  }))
}
