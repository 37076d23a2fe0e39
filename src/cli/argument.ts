import { readFile } from 'node:fs/promises'
import type { From, To } from '../core/broker.ts'
import { DrawbridgeError, errorText } from '../core/errors.ts'

/** A whole number of at least `least`. ERR_CONFIG names the option. */
export function parseCount(option: string, text: string, least = 1): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${option} ${JSON.stringify(text)}: write a whole number of at least ${least}`,
  )
}

const OFFSETS = /^\d+:\d+(?:,\d+:\d+)*$/
/** A date, or a date with a time; without a zone it would mean another instant on another machine. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

/** The forms of a place, for help texts. */
export const PLACES = 'an offset (one partition), P:OFFSET[,P:OFFSET…], or an ISO time'

type Place = number | { readonly offsets: Readonly<Record<number, number>> } | { readonly timestamp: string }

export function parseFrom(option: string, text: string): From {
  return text === 'earliest' || text === 'latest' ? text : parsePlace(option, text, 'earliest, latest')
}

export function parseTo(option: string, text: string): To {
  return text === 'end' ? text : parsePlace(option, text, 'end')
}

/** Where a group may be moved to. */
export function parseReset(option: string, text: string): From | 'end' {
  return text === 'end' ? text : parseFrom(option, text)
}

function parsePlace(option: string, text: string, words: string): Place {
  if (/^\d+$/.test(text)) return offsetOf(option, text)
  if (OFFSETS.test(text)) {
    const offsets: Record<number, number> = {}
    for (const pair of text.split(',')) {
      const [partition = '', offset = ''] = pair.split(':')
      if (Number(partition) in offsets)
        throw new DrawbridgeError('ERR_CONFIG', `${option} ${text}: partition ${partition} is named twice`)
      offsets[offsetOf(option, partition)] = offsetOf(option, offset)
    }
    return { offsets }
  }
  if (ISO_TIME.test(text) && Number.isFinite(Date.parse(text))) return { timestamp: text }
  const forms = `${words}, an offset (one partition), P:OFFSET[,P:OFFSET…], or a time as 2026-11-01T00:00:00Z`
  throw new DrawbridgeError('ERR_CONFIG', `${option} ${JSON.stringify(text)}: use ${forms}`)
}

/** The place of one record, as `P:OFFSET`. */
export function parseRecordPlace(
  option: string,
  text: string,
): { readonly partition: number; readonly offset: number } {
  const [partition = '', offset = ''] = text.split(':')
  if (/^\d+:\d+$/.test(text)) return { partition: offsetOf(option, partition), offset: offsetOf(option, offset) }
  throw new DrawbridgeError(
    'ERR_CONFIG',
    `${option} ${JSON.stringify(text)}: write the partition and the offset of one record, as 0:42`,
  )
}

function offsetOf(option: string, text: string): number {
  return parseCount(option, text, 0)
}

/** Reads a file named on the command line. ERR_CONFIG where that fails. */
export async function readFileArgument(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new DrawbridgeError(
      'ERR_CONFIG',
      `${option} ${path}: cannot be read (${errorText(error)}); name a readable file`,
      { cause: error },
    )
  }
}
