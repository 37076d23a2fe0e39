import { describe, expect, it } from '@jest/globals'
import { join } from 'node:path'
import { openBackend } from '../../../src/backends/open.ts'
import { silentLog } from '../../../src/core/log.ts'
import { tempDir } from '../../kit/temp-dir.ts'

const options = { log: silentLog }

describe('openBackend', () => {
  it('opens-the-store-a-directory-names', async () => {
    const backend = await openBackend(`embedded:${join(tempDir(), 'deep', 'store.v1')}`, options)
    expect(backend.name).toBe('embedded')
    expect(await backend.listTopics()).toEqual([])
    await backend.close()
  })

  it.each(['nonsense://user:geheim@host', 'user:geheim@host', ''])(
    'unknown-scheme-names-the-known-and-no-secret: %s',
    async (url) => {
      const error = await openBackend(url, options).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('"embedded:"') })
      expect(JSON.stringify(error) + String(error)).not.toContain('geheim')
    },
  )

  it.each(['embedded:', 'embedded://host/dir'])('embedded-without-a-directory-is-refused: %s', async (url) => {
    await expect(openBackend(url, options)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })
})
