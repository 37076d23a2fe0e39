import { expect, jest, test } from '@jest/globals'
import { connect } from '../../src/open-broker.ts'
import { DrawbridgeError } from '../../src/index.ts'
import { eventually } from '../kit/eventually.ts'
import { type Cli, createCli, createOrders, done, jsonLines, orderLines, SLOWEST_MS } from './cli.ts'

jest.setTimeout(SLOWEST_MS)

/** Six records in two partitions, of which group `billing` sets those of customer c-1 aside, and one that is no order. */
async function createLetters(): Promise<Cli> {
  const cli = createCli()
  await createOrders(cli, 2)
  await done(cli.run(['produce', 'shop.orders'], orderLines(6)))
  await using broker = await connect(`embedded:${cli.folder}/store`)
  const topic = await broker.topic('shop.orders')
  const foreign = { key: null, partition: 1, headers: { trace: 'abc', odd: Uint8Array.of(0xff) } }
  await broker.producer({ ...topic, value: 'bytes' }).send(Buffer.from('no order\u001b[31m'), foreign)
  const subscription = await broker.subscribe(
    topic,
    { group: 'billing', retry: { attempts: 2, minDelayMs: 1 } },
    ({ key }) => {
      if (key?.toString() === 'c-1')
        throw new Error('cannot charge', { cause: new DrawbridgeError('ERR_ENDPOINT', 'card expired') })
    },
  )
  await eventually(
    async () => (await broker.groups.describe('billing', topic)).positions.every(({ lag }) => lag === 0),
    {
      what: 'all are handled',
    },
  )
  await subscription.stop()
  return cli
}

interface Listed {
  readonly id: string
  readonly partition: number
  readonly offset: number
  readonly code: string
}

async function listed(cli: Cli): Promise<readonly Listed[]> {
  const { stdout } = await done(cli.run(['dead-letters', 'list', 'shop.orders', '--group', 'billing', '--json']))
  return jsonLines<Listed>(stdout)
}

test('list says where there are letters, how many, and of what', async () => {
  const cli = createCli()
  await createOrders(cli, 2)
  expect((await done(cli.run(['dead-letters', 'list']))).stderr).toContain('no dead letters')
  expect((await done(cli.run(['dead-letters', 'list', 'shop.orders', '--group', 'g']))).stderr).toContain(
    'no dead letters',
  )
  expect(await cli.run(['dead-letters', 'list', 'none', '--group', 'g'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('ERR_TOPIC_UNKNOWN'),
  })

  const full = await createLetters()
  const topics = async (...args: string[]) =>
    jsonLines((await done(full.run(['dead-letters', 'list', '--json', ...args]))).stdout)
  const row = {
    deadLetterTopic: 'shop.orders.billing.dead',
    topic: 'shop.orders',
    group: 'billing',
    letters: 2,
    newest: expect.stringMatching(/^\d{4}-.*Z$/),
  }
  expect(await topics()).toEqual([row])
  expect(await topics('shop.orders')).toEqual([row])
  expect(await topics('--group', 'billing')).toEqual([row])
  // Names with dots: no topic `shop` with a group `orders.billing` is made up.
  expect(await topics('shop')).toEqual([])
  const people = await done(full.run(['dead-letters', 'list', 'shop.orders', '--group', 'billing']))
  expect(people.stdout.split('\n')[0]).toMatch(/^place +failed at +attempts +code +cause$/)
  expect(people.stdout).toMatch(/^\d:\d +\S+Z +2 {2}ERR_HANDLER_FAILED +cannot charge$/m)
})

test('show tells all of a letter, with its value by the schema, or its bytes where that cannot be', async () => {
  const cli = await createLetters()
  const letters = await listed(cli)
  expect(letters.map(({ code }) => code).toSorted()).toEqual(['ERR_HANDLER_FAILED', 'ERR_UNDECODABLE'])
  const show = async (code: string, ...args: string[]) => {
    const { partition, offset } = letters.find((letter) => letter.code === code) as Listed
    const place = `${partition}:${offset}`
    return await done(cli.run(['dead-letters', 'show', 'shop.orders', place, '--group', 'billing', ...args]))
  }
  const [failed] = jsonLines<object>((await show('ERR_HANDLER_FAILED', '--json')).stdout)
  expect(failed).toMatchObject({
    topic: 'shop.orders',
    group: 'billing',
    attempts: 2,
    times: 1,
    cause: 'cannot charge\ncaused by: card expired',
    key: 'c-1',
    headers: [],
    value: { orderId: 'o-1', customerId: 'c-1', total: 0.5 },
    sourceIsThere: true,
  })
  const [foreign] = jsonLines<object>((await show('ERR_UNDECODABLE', '--json')).stdout)
  expect(foreign).toMatchObject({
    partition: 1,
    key: null,
    headers: [
      ['trace', 'abc'],
      ['odd', { base64: '/w==' }],
    ],
    value: { base64: Buffer.from('no order\u001b[31m').toString('base64') },
    undecoded: expect.any(String),
  })
  const people = (await show('ERR_HANDLER_FAILED')).stdout
  expect(people).toMatch(/^cause +cannot charge\n +caused by: card expired\n/m)
  expect(people).toMatch(/^value +\{\n +"orderId": "o-1",\n/m)

  const none = await cli.run(['dead-letters', 'show', 'shop.orders', '0:999', '--group', 'billing'])
  expect([none.code, none.stderr]).toEqual([
    64,
    expect.stringContaining('drawbridge dead-letters list shop.orders --group billing'),
  ])
  expect((await cli.run(['dead-letters', 'show', 'shop.orders', '999', '--group', 'billing'])).stderr).toContain(
    'as 0:42',
  )
})

test('a letter written twice is told as such, and one of an earlier life of the topic, too', async () => {
  const cli = await createLetters()
  const before = await listed(cli)
  const failed = before.find(({ code }) => code === 'ERR_HANDLER_FAILED') as Listed
  {
    await using broker = await connect(`embedded:${cli.folder}/store`)
    await broker.groups.reset('billing', 'shop.orders', { to: 'earliest' })
    const topic = await broker.topic('shop.orders')
    const again = await broker.subscribe(topic, { group: 'billing', retry: { attempts: 1 } }, ({ key }) => {
      if (key?.toString() === 'c-1') throw new Error('still not')
    })
    await eventually(
      async () => (await broker.groups.describe('billing', topic)).positions.every(({ lag }) => lag === 0),
      {
        what: 'all are handled again',
      },
    )
    await again.stop()
    await broker.topics.delete('shop.orders')
    await broker.declare(topic)
  }
  const after = await done(cli.run(['dead-letters', 'list', 'shop.orders', '--group', 'billing', '--json']))
  expect(
    jsonLines<{ id: string; repeat: boolean }>(after.stdout)
      .filter(({ repeat }) => repeat)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(before.map(({ id }) => id).toSorted())
  const place = `${failed.partition}:${failed.offset}`
  const shown = await done(cli.run(['dead-letters', 'show', 'shop.orders', place, '--group', 'billing', '--json']))
  expect(jsonLines(shown.stdout)).toEqual([
    expect.objectContaining({
      id: failed.id,
      cause: 'still not',
      times: 2,
      sourceIsThere: false,
      value: expect.objectContaining({ orderId: 'o-1' }),
    }),
  ])
})
