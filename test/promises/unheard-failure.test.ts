import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../kit/process.ts'
import { tempDir } from '../kit/temp-dir.ts'

const program = fileURLToPath(new URL('./programs/unheard-failure.ts', import.meta.url))

describe('promise: nothing is skipped silently', () => {
  it('a-failed-subscription-that-nobody-listens-to-ends-the-process', async () => {
    const failing = startProcess(program, { args: [`embedded:${join(tempDir(), 'store')}`] })
    const { code } = await failing.ended
    expect(code).toBe(1)
    expect(failing.stderr()).toContain('partition 0, offset 0, attempt 1: it cannot be done')
  })
})
