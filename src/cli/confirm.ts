import { createInterface } from 'node:readline/promises'
import { DrawbridgeError } from '../core/errors.ts'

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/**
 * Resolves when what cannot be undone is wanted: by `--yes`, or by an answer on the terminal. ERR_CONFIG otherwise, also
 * where nobody can be asked; nothing has been changed then.
 */
export async function confirm(
  what: string,
  yes: boolean,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<void> {
  if (yes) return
  if (input.isTTY !== true || output.isTTY !== true)
    throw new DrawbridgeError('ERR_CONFIG', `${what}: this cannot be undone; say --yes where nobody can be asked`)
  const terminal = createInterface({ input, output })
  const closed = new AbortController()
  // Ctrl-D and Ctrl-C end the question without an answer.
  terminal.once('close', () => closed.abort())
  try {
    const answer = await terminal
      .question(`${what}? This cannot be undone. [y/N] `, { signal: closed.signal })
      .catch(() => '')
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    terminal.close()
  }
  throw new DrawbridgeError('ERR_CONFIG', `${what}: not confirmed, so nothing was changed`)
}
