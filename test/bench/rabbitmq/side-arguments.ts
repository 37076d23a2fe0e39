/** Arguments of a side: URL STREAM_URL TOPIC RECORDS BYTES. */
export function sideArguments() {
  const [url = '', streamUrl = '', topic = '', records = '0', bytes = '200'] = process.argv.slice(2)
  return { url, streamUrl, topic, records: Number(records), bytes: Number(bytes) }
}
