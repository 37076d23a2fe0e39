import { createScriptedBroker, type ScriptedBroker } from '../../kit/scripted-backend.ts'
import type { BackendUnderTest } from '../under-test.ts'

let broker: ScriptedBroker | undefined
const absent = () => Promise.reject(new Error('the scripted broker has no clients but its own'))

/** The backend of core's unit tests. It runs the lifecycle part of the suite and some more, so that what they see is what a backend does. */
export const scripted: BackendUnderTest = {
  name: 'scripted',
  variable: null,
  createUrl: () => 'scripted:',
  open: async () => (broker ??= createScriptedBroker()).open(),
  skip: [],
  hooks: { keys: [], expire: absent, foreign: absent, gaps: absent, interrupt: absent },
}
