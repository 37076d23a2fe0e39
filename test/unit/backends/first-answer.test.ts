import { describe, expect, test } from '@jest/globals'
import { firstAnswer } from '../../../src/backends/first-answer.ts'

const GONE = new Error('gone')
const REFUSED = new Error('refused')

const ask = (attempts: readonly (() => Promise<string>)[], patienceMs = 60_000) =>
  firstAnswer(attempts, { patienceMs, isFinal: (error) => error === REFUSED })
const silent = () => new Promise<string>(() => undefined)
const fails = (error: Error) => () => Promise.reject(error)

describe('a question that any node can answer', () => {
  test('goes-to-one-node-where-that-answers', async () => {
    let asked = 0
    const answer = async () => `answer ${++asked}`
    expect(await ask([answer, answer])).toBe('answer 1')
    expect(asked).toBe(1)
  })

  test('goes-to-the-next-at-once-where-one-fails', async () => {
    expect(await ask([fails(GONE), fails(GONE), async () => 'third'])).toBe('third')
  })

  test('goes-to-the-next-where-one-is-silent', async () => {
    expect(await ask([silent, silent, async () => 'third'], 1)).toBe('third')
  })

  test('takes-the-answer-of-one-that-was-silent-for-long', async () => {
    const late = Promise.withResolvers<string>()
    const answer = ask(
      [
        () => late.promise,
        async () => {
          late.resolve('late')
          return silent()
        },
      ],
      1,
    )
    expect(await answer).toBe('late')
  })

  test('fails-with-the-last-failure-once-all-have-failed', async () => {
    const late = Promise.withResolvers<string>()
    const last = new Error('last')
    const answer = ask(
      [
        () => late.promise,
        () => {
          setImmediate(() => late.reject(last))
          return Promise.reject(GONE)
        },
      ],
      1,
    )
    await expect(answer).rejects.toBe(last)
  })

  test('is-over-with-a-failure-that-no-other-node-could-mend', async () => {
    let asked = 0
    const third = async () => `answer ${++asked}`
    await expect(ask([fails(GONE), fails(REFUSED), third])).rejects.toBe(REFUSED)
    expect(asked).toBe(0)
  })
})
