/** What a side does: each in a process of its own, so that peaks of memory belong to it alone. */
export type Work = 'create' | 'produce' | 'single' | 'consume' | 'replay' | 'send' | 'receive'

export const RATE = 1_000

/** Arguments of a side: WORK URL TOPIC RECORDS BYTES. */
export function sideArguments() {
  const [work = 'create', url = '', topic = '', records = '0', bytes = '200'] = process.argv.slice(2)
  const brokers = url.replace('kafka://', '').split(',')
  return { work: work as Work, url, brokers, topic, records: Number(records), bytes: Number(bytes) }
}
