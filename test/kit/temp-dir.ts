import { afterAll } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/** A new empty directory outside the project; removed when the test file ends. */
export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'drawbridge-test-'))
  made.push(path)
  return path
}

afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
})
