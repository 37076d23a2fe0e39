import { type LookupAddress, lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { buildConnector } from 'undici'
import { DrawbridgeError } from '../../src/core/errors.ts'

/** Public by their range, but not the internet: IPv4-compatible IPv6 (RFC 4291, 2.5.5.1), and Azure's host. */
const IPV4_COMPATIBLE = ipaddr.parseCIDR('::/96')
const ALSO_PRIVATE = new Set(['168.63.129.16'])

/** Whether an address is one of the public internet. IPv4 mapped into IPv6 counts as the IPv4 address; one with a zone is none. */
export function isPublicAddress(address: string): boolean {
  const written = isIP(address) === 6 ? canonicalIpv6(address) : address
  if (!ipaddr.isValid(written)) return false
  const parsed = ipaddr.parse(written)
  if (parsed.kind() === 'ipv6' && parsed.match(IPV4_COMPATIBLE)) return false
  const plain = ipaddr.process(written)
  return plain.range() === 'unicast' && !ALSO_PRIVATE.has(plain.toString())
}

/** Whether a URL's host is an address (no name) that is not public. */
export function isPrivateLiteral(url: string): boolean {
  const literal = bare(new URL(url).hostname)
  return isIP(literal) !== 0 && !isPublicAddress(literal)
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** All in hex (WHATWG URL): ipaddr.js 2.5 takes the text `::8.8.8.8` for `::ffff:8.8.8.8`. Empty for an address with a zone. */
function canonicalIpv6(address: string): string {
  const url = `http://[${address}]`
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : ''
}

/**
 * A connector for undici that connects to public addresses only. A name is resolved once per connection and the
 * connection goes to the very address that was judged, so an answer that changes in between gains nothing. Literals are
 * judged, too (a socket does not look them up).
 */
export function createGuardedConnector(options: { readonly timeoutMs: number }): buildConnector.connector {
  const connect = buildConnector({ timeout: options.timeoutMs, lookup: guardedLookup })
  return (request, callback) => {
    const literal = bare(request.hostname)
    if (isIP(literal) !== 0 && !isPublicAddress(literal)) callback(refused(literal), null)
    else connect(request, callback)
  }
}

/** `dns.lookup`, without what is not public. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    const allowed = error === null ? publicOnly(addresses) : []
    const first = allowed[0]
    if (error !== null || first === undefined) callback(error ?? refused(hostname), '', 0)
    else if (options.all === true) callback(null, allowed as LookupAddress[])
    else callback(null, first.address, first.family)
  })
}

export function publicOnly(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  return addresses.filter(({ address }) => isPublicAddress(address))
}

function refused(host: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_ENDPOINT_GONE',
    `${host} is not an address of the public internet; if it is meant, set allowPrivate: true, else correct the url`,
    { details: { host } },
  )
}
