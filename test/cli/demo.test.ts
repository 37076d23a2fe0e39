import { expect, test } from '@jest/globals'
import { runProcess } from '../kit/process.ts'

test('the-demo-loses-nothing-over-a-kill-and-says-so', async () => {
  const { code, stdout, stderr } = await runProcess('src/cli/main.ts', { args: ['demo', '--json'] })
  const figures = JSON.parse(stdout) as Record<string, number>
  expect({ figures, stderr }).toMatchObject({
    figures: { rowsRead: 3376, deliveriesDistinct: 3376, rowsWritten: 3376, rowsDiffering: 0, kills: 1, lost: 0 },
    stderr: '',
  })
  expect(figures['records']).toBeGreaterThanOrEqual(3376)
  expect(code).toBe(0)
})
