import { expect } from '@jest/globals'
import { type ControlOwner, openControlLog } from '../../src/core/control-log.ts'
import { silentLog } from '../../src/core/log.ts'
import type { OpenBroker } from '../../src/open-broker.ts'
import { eventually } from '../kit/eventually.ts'
import { onEveryBackend } from './every-backend.ts'

type Owner = ControlOwner<{ n: number }>

/** Opens a copy that holds on to its ownership until it is told to end. */
async function openCopy(broker: OpenBroker, what: string) {
  const owners: Owner[] = []
  const log = await openControlLog<{ n: number }>({
    backend: broker.backend,
    clock: broker.clock,
    log: silentLog,
    what,
    partitions: 1,
    own(owner) {
      owners.push(owner)
      return new Promise((resolve) => owner.signal.addEventListener('abort', () => resolve()))
    },
  })
  return { log, owners }
}

onEveryBackend('control log', ({ it, connect, name }) => {
  it('a-standby-takes-over-with-the-last-snapshot', async () => {
    const what = name('control')
    const first = await openCopy(await connect(), what)
    const owner = await eventually(() => first.owners[0], { what: 'the first copy owns' })
    expect(owner.state).toBeNull()
    await owner.save({ n: 1 })
    await owner.save({ n: 2 })
    const second = await openCopy(await connect(), what)
    expect(second.owners).toEqual([])
    await first.log.close()
    const next = await eventually(() => second.owners[0], { what: 'the second copy owns' })
    expect(next.state).toEqual({ n: 2 })
    await next.save({ n: 3 })
    await second.log.close()
  })

  it('the-log-is-done-when-its-owner-is', async () => {
    const broker = await connect()
    const what = name('control')
    const run = (own: (owner: Owner) => Promise<void>) =>
      openControlLog<{ n: number }>({
        backend: broker.backend,
        clock: broker.clock,
        log: silentLog,
        what,
        partitions: 1,
        own,
      })
    const first = await run((owner) => owner.save({ n: 7 }))
    await first.done
    const states: unknown[] = []
    const second = await run(async ({ state }) => {
      states.push(state)
    })
    await second.done
    expect(states).toEqual([{ n: 7 }])
    const third = await run(() => Promise.reject(new Error('cannot go on')))
    await expect(third.done).rejects.toThrow('cannot go on')
    await third.close()
  })
})
