/** As package.json's `engines` says; a test keeps the two equal. */
export const LEAST_NODE = 22

/** What to tell whoever runs us on a Node.js of this version; undefined where it will do. Imports nothing: it runs on any version. */
export function nodeRefusal(version: string): string | undefined {
  return Number.parseInt(version, 10) >= LEAST_NODE
    ? undefined
    : `error ERR_CONFIG: drawbridge needs Node.js ${LEAST_NODE} or newer, this is ${version}; install one from https://nodejs.org or put it first on the path`
}
