// `node test/kit/complete-lock.ts`, after `npm install` has changed package-lock.json: fills what the registry left out.
import { readFileSync, writeFileSync } from 'node:fs'
import { completeLock, type LockFile, lockGaps } from './lock-file.ts'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile
const gaps = lockGaps(lock)
if (gaps.length > 0) writeFileSync('package-lock.json', `${JSON.stringify(completeLock(lock), null, 2)}\n`)
console.log(`${gaps.length} packages of other platforms added to package-lock.json`)
