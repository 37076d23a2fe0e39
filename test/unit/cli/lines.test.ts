import { expect, test } from '@jest/globals'
import { linesOf } from '../../../src/cli/lines.ts'

test('lines come whole, however the bytes are cut', async () => {
  const bytes = Buffer.from('\uFEFFeins\r\nzwölf\n\nlast')
  for (const size of [1, 2, 3, 7, 100]) {
    expect(await texts(cut(bytes, size))).toEqual(['1 eins', '2 zwölf', '3 ', '4 last'])
  }
  expect(await texts([Buffer.from('one\n')])).toEqual(['1 one'])
  expect(await texts([])).toEqual([])
})

test('a line that is not UTF-8, or too long, is named', async () => {
  await expect(texts([Buffer.from([0x61, 0x0a, 0xff, 0x0a])])).rejects.toThrow('line 2 is not UTF-8')
  const chunks = Array.from({ length: 20 }, () => Buffer.alloc(1_048_576, 0x61))
  await expect(texts([Buffer.from('a\n'), ...chunks])).rejects.toThrow('line 2 is longer than')
})

async function texts(chunks: readonly Uint8Array[]): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { number, text } of linesOf(stream(chunks))) found.push(`${number} ${text}`)
  return found
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

function cut(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}
