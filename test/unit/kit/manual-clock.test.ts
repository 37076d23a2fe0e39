import { describe, expect, it } from '@jest/globals'
import { sleep } from '../../../src/core/wait.ts'
import { createManualClock } from '../../kit/manual-clock.ts'

describe('manual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = createManualClock(5_000)
    let ran = 0
    clock.after(0, () => ran++)
    await clock.settle()
    expect([clock.now(), clock.elapsed(), ran, clock.due()]).toEqual([5_000, 0, 0, [0]])
    await clock.advance(0)
    expect([ran, clock.due()]).toEqual([1, []])
  })

  it('runs what becomes due at its own time, in order, also what is begun meanwhile', async () => {
    const clock = createManualClock(0)
    const told: string[] = []
    const tell = (what: string) => told.push(`${what} at ${clock.elapsed()}`)
    clock.after(30, () => tell('c'))
    clock.after(10, () => {
      tell('a')
      clock.after(5, () => tell('b'))
    })
    clock.after(10, () => tell('a again'))
    const cancel = clock.after(20, () => tell('never'))
    cancel()
    await clock.advance(29)
    expect(told).toEqual(['a at 10', 'a again at 10', 'b at 15'])
    await clock.advance(1)
    expect([told.at(-1), clock.now()]).toEqual(['c at 30', 30])
  })

  it('lets whatever waited for it go on before time passes further', async () => {
    const clock = createManualClock(0)
    const told: number[] = []
    const never = new AbortController().signal
    void (async () => {
      for (let n = 0; n < 3; n++) {
        await sleep(clock, 10, never)
        told.push(clock.elapsed())
      }
    })()
    await clock.advance(100)
    expect(told).toEqual([10, 20, 30])
  })
})
