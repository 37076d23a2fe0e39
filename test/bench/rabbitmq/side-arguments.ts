/** What a side does: each in a process of its own, so that peaks of memory belong to it alone. */
export type Work = 'create' | 'delete' | 'produce' | 'consume' | 'replay' | 'send' | 'receive'

export const RATE = 1_000

/** Unconfirmed at most, as our producer. */
export const WINDOW = 20_000

/** Arguments of a side: WORK URL STREAM_URL TOPIC RECORDS BYTES. */
export function sideArguments() {
  const [work = 'create', url = '', streamUrl = '', topic = '', records = '0', bytes = '200'] = process.argv.slice(2)
  return { work: work as Work, url, streamUrl, topic, records: Number(records), bytes: Number(bytes) }
}
