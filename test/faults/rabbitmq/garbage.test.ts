import { describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  frame,
  openFakeStreamServer,
  responseFrame,
  type StreamRequest,
  text,
  u32,
} from '../../kit/fake-stream-server.ts'
import { runProcess } from '../../kit/process.ts'
import { atEnd } from './broker.ts'

const PROGRAM = fileURLToPath(new URL('./programs/among-garbage.ts', import.meta.url))
const FOR_MS = 1_000
/** What a call may say; `ok` where the garbage happens to be an answer. */
const ALLOWED =
  /^(ok|ERR_CLOSED|ERR_BROKER_UNREACHABLE|ERR_TOPIC_UNKNOWN|ERR_APPEND_FAILED|ERR_CONFIG|ERR_UNSUPPORTED)$/
const [OK, PARTITIONS] = [1, 0x19] as const
/** As Node itself takes at most, and some megabytes of what was really sent. */
const PEAK_MIB = 250

/** Knows one stream of every topic, so that the driver goes on to the questions behind. */
const known = ({ key, correlation }: StreamRequest) =>
  key === PARTITIONS ? responseFrame(key, correlation, OK, Buffer.concat([u32(1), text('t-0')])) : undefined

const MANNERS: Readonly<Record<string, (request: StreamRequest) => Buffer | number | undefined>> = {
  'random-bytes': () => randomBytes(200),
  'random-frames': ({ key }) =>
    Buffer.concat([key | 0x8000, 8, 3, 4, 0x1a].map((each) => frame(each, randomBytes(30)))),
  'random-answers': ({ key, correlation }) => responseFrame(key, correlation, OK, randomBytes(40)),
  'counts-that-are-claimed': ({ key, correlation }) => responseFrame(key, correlation, OK, u32(0x7fffffff)),
  'a-frame-of-two-gigabytes': () => Buffer.concat([u32(0x7fffffff), randomBytes(1_000)]),
  // The largest that is taken, of which little comes before the other side goes.
  'a-frame-that-never-comes': ({ socket }) => {
    socket.write(Buffer.concat([u32(256 * 1_048_576), randomBytes(1_000)]))
    setTimeout(() => socket.destroy(), 50)
    return undefined
  },
  'refusals-of-unknown-codes': () => 4_711,
  'an-end-in-the-midst-of-an-answer': ({ key, correlation, socket }) => {
    socket.end(responseFrame(key, correlation, OK, u32(3)).subarray(0, 11))
    return undefined
  },
  'chunks-nobody-asked-for': (request) =>
    Buffer.concat([frame(8, Buffer.concat([Buffer.from([0]), randomBytes(60)])), known(request) ?? Buffer.alloc(0)]),
}

describe('a RabbitMQ that is none', () => {
  test.each(Object.entries(MANNERS))('%s-end-no-process', async (_, onRequest) => {
    let asked = 0
    const server = await openFakeStreamServer({
      onRequest(request) {
        // Every other answer is right, so that the garbage comes at every place.
        const right = asked++ % 2 === 0 ? known(request) : undefined
        return right ?? onRequest(request)
      },
    })
    atEnd(() => server.close())
    const url = `amqp://127.0.0.1:1/?stream=${server.port}`
    const { stdout, stderr, code } = await runProcess(PROGRAM, { args: [url, String(FOR_MS)] })
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { ends, peakMiB } = JSON.parse(stdout) as { ends: Readonly<Record<string, number>>; peakMiB: number }
    expect(Object.keys(ends).filter((end) => !ALLOWED.test(end))).toEqual([])
    expect(peakMiB).toBeLessThan(PEAK_MIB)
  })
})
