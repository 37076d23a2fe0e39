import { describe, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../../../kit/process.ts'
import { tempDir } from '../../../kit/temp-dir.ts'

const program = fileURLToPath(new URL('./programs/many-stores.ts', import.meta.url))

describe('machine code that writer threads share', () => {
  it('is-never-freed-while-the-next-thread-may-take-it-up', async () => {
    const { code, signal, stdout, stderr } = await runProcess(program, { args: [tempDir(), '6'] })
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
    expect(stdout).toContain('{"event":"done"}')
    // V8's own word for it; without the flag of writer-thread.ts there are dozens.
    expect(stdout.split('\n').filter((line) => line.includes('Starting GC'))).toEqual([])
  })
})
