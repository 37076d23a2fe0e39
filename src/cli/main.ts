#!/usr/bin/env node
import { nodeRefusal } from './node-version.ts'

// Static imports come before every line here, and what they need an older Node.js may lack: so the program is loaded after the check.
const refusal = nodeRefusal(process.versions.node)
if (refusal === undefined) {
  const { runProgram } = await import('./program.ts')
  await runProgram(process.argv.slice(2))
} else {
  process.stderr.write(`${refusal}\n`)
  process.exitCode = 64
}
