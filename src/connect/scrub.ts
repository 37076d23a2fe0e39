import { REDACTED } from './config.ts'

/** Shorter texts are left alone: blotting out "a" everywhere would tell more than it hides. */
const MIN_SECRET_LENGTH = 4

/** Returns a function that blots out every secret in a text, also where the text is JSON. */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((shown, secret) => shown.replaceAll(secret, REDACTED), text)
}

/** User's password and query of a URL, as they stand there and decoded; nothing for what is no such URL. */
export function urlSecrets(url: string): readonly string[] {
  if (!URL.canParse(url)) return []
  const { password, search } = new URL(url)
  return [password, decoded(password), search.slice(1)].filter((part) => part !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
