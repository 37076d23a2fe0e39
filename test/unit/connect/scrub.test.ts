import { expect, test } from '@jest/globals'
import { createScrubber } from '../../../src/connect/scrub.ts'

test('secrets are blotted out, also inside JSON, the longest first; very short ones are left', () => {
  const scrub = createScrubber(['pass"word', 'pass"word-long', 'abc'])
  expect(scrub('pass"word-long pass"word abc')).toBe('*** *** abc')
  expect(scrub(JSON.stringify({ msg: 'x pass"word y' }))).toBe('{"msg":"x *** y"}')
})
