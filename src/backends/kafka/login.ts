import { readFile } from 'node:fs/promises'
import type { ConfigLevel } from '../config-file.ts'
import { DrawbridgeError, readProperty } from '../../core/errors.ts'

export const PASSWORD_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Who we are at the broker. `secret` is asked at every login, so that a new password or token counts from then on. */
export type Login =
  | {
      readonly mechanism: (typeof PASSWORD_MECHANISMS)[number]
      readonly user: string
      secret(): Promise<string>
    }
  | { readonly mechanism: 'OAUTHBEARER'; secret(): Promise<string> }

/** The URL's password, the file's, or that in the file which the file names. */
export function passwordFrom(inUrl: string | undefined, file: ConfigLevel | undefined): () => Promise<string> {
  if (inUrl !== undefined) return async () => inUrl
  const [password, path] = [file?.text('password'), file?.path('passwordFile')]
  if (file === undefined || (password === undefined) === (path === undefined)) {
    const what = 'a user needs a password: give password or passwordFile, one of them'
    throw file?.wrong('password', what) ?? new DrawbridgeError('ERR_CONFIG', what)
  }
  return path === undefined ? async () => password ?? '' : () => readSecret('passwordFile', path)
}

/** The file's text without the line end that editors leave. ERR_CONFIG names key and file. */
export async function readSecret(key: string, file: string): Promise<string> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    const why = String(readProperty(error, 'code'))
    throw new DrawbridgeError('ERR_CONFIG', `${key}: ${file} cannot be read (${why}): name a file that exists`)
  }
  if (text !== '') return text
  throw new DrawbridgeError('ERR_CONFIG', `${key}: ${file} is empty: put the secret there`)
}
