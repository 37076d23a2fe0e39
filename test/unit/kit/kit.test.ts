import { describe, expect, test } from '@jest/globals'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../../kit/eventually.ts'
import { runProcess, startProcess } from '../../kit/process.ts'
import { tempDir } from '../../kit/temp-dir.ts'
import { closingLine, type JestResult, judge, diedFiles, merged } from '../../kit/test-result.ts'

describe('eventually', () => {
  test('resolves to the first truthy answer', async () => {
    let asked = 0
    expect(await eventually(() => (++asked === 3 ? `asked ${asked}` : false), { what: 'three' })).toBe('asked 3')
  })

  test('a condition that throws is not met yet', async () => {
    let asked = 0
    const condition = () => {
      if (++asked < 3) throw new Error('not ready')
      return true
    }
    expect(await eventually(condition, { what: 'ready' })).toBe(true)
  })

  test('the error names what was awaited and the last answer', async () => {
    const options = { what: 'the moon', timeoutMs: 50, intervalMs: 5 }
    await expect(eventually(() => 0, options)).rejects.toThrow('waited 50 ms for the moon; last: 0')
    const throws = () => {
      throw new Error('clouds')
    }
    await expect(eventually(throws, options)).rejects.toThrow('last: threw clouds')
    await expect(eventually(() => new Promise<boolean>(() => {}), options)).rejects.toThrow('it was never answered')
  })
})

describe('process', () => {
  test('talks in lines and is killed by its id', async () => {
    const child = startProcess(
      program(`console.log(JSON.stringify({ ready: process.pid })); setInterval(() => {}, 1000)`),
    )
    const ready = await child.message<{ ready: number }>((line) => line.ready > 0, 'ready')
    expect(ready.ready).toBe(child.pid)
    child.kill('SIGKILL')
    expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('a process that ends without the message is told with its output', async () => {
    const child = startProcess(program(`console.log('so far'); console.error('broken'); process.exitCode = 3`))
    await expect(child.message(() => false, 'an answer')).rejects.toThrow(
      /an answer .*it ended with 3; stdout: so far; stderr: broken/,
    )
  })

  test('input goes in, output and exit code come back', async () => {
    const echo = program(
      `process.stdin.on('data', (data) => process.stdout.write(data)).on('end', () => { process.exitCode = 7 })`,
    )
    expect(await runProcess(echo, { input: 'a\nb\n' })).toEqual({ code: 7, signal: null, stdout: 'a\nb\n', stderr: '' })
  })

  function program(source: string): string {
    const file = join(tempDir(), 'program.ts')
    writeFileSync(file, source)
    return file
  }
})

test('temp-dir makes a new empty directory each time', () => {
  const [one, two] = [tempDir(), tempDir()]
  expect(one).not.toBe(two)
  expect(existsSync(one)).toBe(true)
})

describe('test run', () => {
  const result: JestResult = {
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
    testResults: [
      {
        name: 'a.test.ts',
        message: '',
        assertionResults: [{ fullName: 'x (skipped: no Kafka here)', status: 'pending' }],
      },
    ],
  }

  test('the closing line counts, skips are named with their reason', () => {
    expect(closingLine(result)).toBe('2 passed, 0 failed, 1 skipped')
    expect(judge(result, 0)).toEqual({ exitCode: 0, remarks: ['skipped: x (skipped: no Kafka here)'] })
  })

  test('what failed is said once more at the end, in one line', () => {
    const failed = {
      fullName: 'moon rises',
      status: 'failed',
      failureMessages: ['\u001b[31mlate\u001b[39m\n  at x', 'y'.repeat(999)],
    }
    const file = { name: '/clone/test/unit/a.test.ts', message: 'late', assertionResults: [failed] }
    const [line] = judge({ ...result, numFailedTests: 1, testResults: [file] }, 1).remarks
    expect(line).toMatch(/^failed: test\/unit\/a\.test\.ts: moon rises: late at x y{100,300}$/)
  })

  test('is a failure when nothing ran, a file was lost, Jest disagrees or left no result', () => {
    expect(judge({ ...result, numPassedTests: 0 }, 0).exitCode).toBe(1)
    expect(judge({ ...result, numRuntimeErrorTestSuites: 1 }, 0).exitCode).toBe(1)
    expect(closingLine({ ...result, numRuntimeErrorTestSuites: 1 })).toBe('2 passed, 1 failed, 1 skipped')
    expect(judge(result, 1).exitCode).toBe(1)
    expect(judge(undefined, null).exitCode).toBe(1)
    expect(closingLine(undefined)).toBe('0 passed, 1 failed, 0 skipped')
  })

  test('npm-test-fails-when-no-test-ran', async () => {
    const ran = await runProcess('test/kit/run-tests.ts', { args: ['no/such/test'] })
    expect([ran.code, ran.stdout.split('\n').slice(-3)]).toEqual([
      1,
      ['no test ran: that is a failure', '0 passed, 0 failed, 0 skipped', ''],
    ])
  })
})

describe('files whose process died', () => {
  const file = (name: string, message: string) => ({ name, message, assertionResults: [] })
  const run = (files: readonly ReturnType<typeof file>[], passed: number, lost: number) => ({
    numPassedTests: passed,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: lost,
    testResults: files,
  })

  test('are-those-that-native-code-ended-and-count-by-their-second-run', () => {
    const death = 'A jest worker process (pid=8) was terminated by another process: signal=SIGSEGV, exitCode=null.'
    const first = run([file('a', death), file('b', 'Cannot find module'), file('c', '')], 5, 2)
    expect(diedFiles(first)).toEqual(['a'])
    const whole = merged(first, run([file('a', '')], 3, 0), ['a'])
    expect([whole.numPassedTests, whole.numRuntimeErrorTestSuites]).toEqual([8, 1])
    expect(diedFiles(merged(first, run([file('a', death)], 0, 1), ['a']))).toEqual(['a'])
  })
})
