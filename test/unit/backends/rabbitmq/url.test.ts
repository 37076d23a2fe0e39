import { describe, expect, it } from '@jest/globals'
import { parseRabbitmqUrl } from '../../../../src/backends/rabbitmq/url.ts'
import { errorText } from '../../../../src/core/errors.ts'

describe('a RabbitMQ URL', () => {
  it('has-the-ports-and-user-of-rabbitmq-where-it-names-none', () => {
    expect(parseRabbitmqUrl('amqp://host')).toEqual({
      host: 'host',
      tls: false,
      amqpPort: 5672,
      streamPort: 5552,
      managementPort: 15672,
      user: 'guest',
      password: 'guest',
      virtualHost: '/',
      place: 'RabbitMQ at host:5672, virtual host "/"',
    })
    expect(parseRabbitmqUrl('amqps://host')).toMatchObject({ amqpPort: 5671, streamPort: 5551, managementPort: 15671 })
  })

  it('names-everything', () => {
    expect(parseRabbitmqUrl('amqp://u%40x:p%2Fw@[::1]:1/v%2Fh?stream=2&management=3')).toMatchObject({
      host: '::1',
      amqpPort: 1,
      streamPort: 2,
      managementPort: 3,
      user: 'u@x',
      password: 'p/w',
      virtualHost: 'v/h',
    })
  })

  it('is-refused-without-a-word-of-the-password', () => {
    const wrong = [
      'http://u:secret@h',
      'amqp:',
      'amqp://u:secret@h/?strem=1',
      'amqp://u:secret%zz@h',
      'amqp://u:secret@h?stream=x',
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
