import { expect, test } from '@jest/globals'
import { PassThrough } from 'node:stream'
import { confirm } from '../../../src/cli/confirm.ts'

/** A terminal on which this was typed; null: it was closed without an answer. */
function terminal(typed: string | null) {
  const input = Object.assign(new PassThrough(), { isTTY: true })
  const output = Object.assign(new PassThrough(), { isTTY: true })
  if (typed === null) input.end()
  else input.write(typed)
  return { input, output }
}

test('only a yes is a yes', async () => {
  for (const typed of ['y\n', 'yes\n', ' Y \n', 'YES\n']) await confirm('delete it', false, terminal(typed))
  for (const typed of ['\n', 'n\n', 'no\n', 'yesterday\n', null]) {
    await expect(confirm('delete it', false, terminal(typed))).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: 'delete it: not confirmed, so nothing was changed',
    })
  }
})

test('the question says what will happen', async () => {
  const asked = terminal('y\n')
  await confirm('delete topic t', false, asked)
  expect(String(asked.output.read())).toContain('delete topic t? This cannot be undone. [y/N]')
})

test('without a terminal --yes has to be said, and with it nobody is asked', async () => {
  const { input, output } = terminal(null)
  const pipes = { input: Object.assign(input, { isTTY: false }), output }
  await expect(confirm('delete it', false, pipes)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('--yes') as unknown,
  })
  await confirm('delete it', true, pipes)
})
