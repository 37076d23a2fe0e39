import { describe, expect, it } from '@jest/globals'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { passwordOf, parseRabbitmqUrl, readRabbitmqUrl } from '../../../../src/backends/rabbitmq/url.ts'
import { tempDir } from '../../../kit/temp-dir.ts'
import { errorText } from '../../../../src/core/errors.ts'

describe('a RabbitMQ URL', () => {
  it('has-the-ports-and-user-of-rabbitmq-where-it-names-none', () => {
    expect(parseRabbitmqUrl('amqp://host')).toEqual({
      nodes: [{ host: 'host', amqpPort: 5672, streamPort: 5552, managementPort: 15672 }],
      tls: false,
      files: {},
      user: 'guest',
      password: 'guest',
      virtualHost: '/',
      place: 'RabbitMQ at host:5672, virtual host "/"',
    })
    const ports = { amqpPort: 5671, streamPort: 5551, managementPort: 15671 }
    expect(parseRabbitmqUrl('amqps://host')).toMatchObject({ tls: true, nodes: [{ host: 'host', ...ports }] })
  })

  it('names-everything', () => {
    const parsed = parseRabbitmqUrl(
      'amqps://u%40x:p:%2Fw@[::1]:1/v%2Fh?stream=2&management=3&ca=/c%20a.pem&cert=c&key=k&servername=n&passwordFile=p',
    )
    expect(parsed).toMatchObject({
      nodes: [{ host: '::1', amqpPort: 1, streamPort: 2, managementPort: 3 }],
      files: { ca: '/c a.pem', cert: 'c', key: 'k' },
      servername: 'n',
      user: 'u@x',
      password: 'p:/w',
      passwordFile: 'p',
      virtualHost: 'v/h',
    })
  })

  it('names-several-nodes-with-one-port-for-all-or-one-for-each', () => {
    expect(parseRabbitmqUrl('amqp://a:1,b,c:3/?stream=7&management=4,5,6').nodes).toEqual([
      { host: 'a', amqpPort: 1, streamPort: 7, managementPort: 4 },
      { host: 'b', amqpPort: 5672, streamPort: 7, managementPort: 5 },
      { host: 'c', amqpPort: 3, streamPort: 7, managementPort: 6 },
    ])
  })

  it('a-configuration-file-says-what-the-url-does-not', async () => {
    const file = join(tempDir(), 'rabbitmq.yaml')
    await writeFile(file, 'user: u\npassword: pw\nca: own/ca.pem\nkey: k\npassphrase: open\nstream: "7"\n')
    expect(await readRabbitmqUrl(`amqps://h?config=${file}&key=/other&stream=8`)).toMatchObject({
      nodes: [{ host: 'h', streamPort: 8 }],
      files: { ca: join(file, '../own/ca.pem'), key: '/other', passphrase: 'open' },
      user: 'u',
      password: 'pw',
    })
    expect(await readRabbitmqUrl(`amqps://me:mine@h?config=${file}`)).toMatchObject({ user: 'me', password: 'mine' })
    // What is for TLS is a mistake without it, wherever it stands.
    await expect(readRabbitmqUrl(`amqp://h?config=${file}`)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
    await writeFile(file, 'pasword: secret\n')
    const error: unknown = await readRabbitmqUrl(`amqp://h?config=${file}`).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_CONFIG' })
    expect(errorText(error)).toMatch(/pasword: there is no such key/)
    expect(errorText(error)).not.toContain('secret')
  })

  it('the-password-of-a-file-is-the-one-that-stands-in-it-now', async () => {
    const file = join(tempDir(), 'password')
    const target = parseRabbitmqUrl(`amqp://u@h?passwordFile=${file}`)
    for (const password of ['first', 'second with \n inside']) {
      await writeFile(file, `${password}\n`)
      expect(await passwordOf(target)).toBe(password)
    }
    await rm(file)
    await expect(passwordOf(target)).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  })

  it('is-refused-without-a-word-of-the-password', () => {
    const wrong = [
      'http://u:secret@h',
      'amqp:',
      'amqp://u:secret@h/?strem=1',
      'amqp://u:secret%zz@h',
      'amqp://u:secret@h?stream=x',
      'amqp://u:secret@h,h2,h3?stream=1,2',
      'amqp://u:secret@h?ca=file',
      'amqp://u:secret@h:70000',
      'amqp://u:secret@/v',
    ]
    for (const url of wrong) {
      let thrown: unknown
      try {
        parseRabbitmqUrl(url)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toMatchObject({ code: 'ERR_CONFIG' })
      expect(errorText(thrown)).not.toContain('secret')
    }
  })
})
