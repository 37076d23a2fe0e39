// `npm run soak -- NAME`: one fault run at full count, by the same code as in `npm test`. Prints its report; a failure keeps its
// exit code. Without a name it lists the runs.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPORT_VARIABLE, SOAK_VARIABLE } from './soak-scale.ts'

interface Run {
  readonly file: string
  readonly about: string
}

const RUNS: Readonly<Record<string, Run>> = {
  kills: {
    file: 'test/promises/kills.test.ts',
    about: '1,000 SIGKILLs of three members that share an embedded store, and of its producers (about 30 minutes)',
  },
  opening: {
    file: 'test/promises/opening.test.ts',
    about: '100,000 openings of a store while two producers write to it (about a minute)',
  },
  'kafka-faults': {
    file: 'test/faults/kafka/three-nodes.test.ts',
    about:
      'three Kafka nodes killed, bounced and stopped ten times, cut off for 30 s (about an hour; needs KAFKA3_URL)',
  },
  'rabbitmq-broker': {
    file: 'test/faults/rabbitmq/broker-faults.test.ts',
    about:
      'RabbitMQ that restarts, is killed and fills its disk 10 times each under load (about 20 minutes; RABBITMQ_URL)',
  },
  'rabbitmq-network': {
    file: 'test/faults/rabbitmq/network.test.ts',
    about:
      'a network to RabbitMQ that says nothing for 30 s, or swallows confirms, 10 times each (about 15 minutes; RABBITMQ_URL)',
  },
  'rabbitmq-cluster': {
    file: 'test/faults/rabbitmq/cluster.test.ts',
    about: 'three RabbitMQ nodes killed, restarted and stopped 10 times each (about 20 minutes; needs RABBITMQ3_URL)',
  },
  'rabbitmq-members': {
    file: 'test/faults/rabbitmq/members.test.ts',
    about: 'members of a RabbitMQ group that are killed and stopped 30 times each (about 20 minutes; RABBITMQ_URL)',
  },
  stops: {
    file: 'test/promises/stops.test.ts',
    about: '100 SIGSTOPs past the lease of members under load (about 15 minutes)',
  },
  'torn-copy': {
    file: 'test/promises/torn-copy.test.ts',
    about: '300 copies of a store under load: taken at once, slowly, cut short (about 6 minutes)',
  },
  'many-groups': {
    file: 'test/promises/large.test.ts',
    about: '1,000 groups x 64 partitions on one store (under a minute)',
  },
  'flat-memory': {
    file: 'test/promises/large.test.ts',
    about: '2,000,000 records through one process, and its memory (under a minute)',
  },
}

const [name, ...rest] = process.argv.slice(2)
if (name === undefined) {
  console.log('npm run soak -- NAME, with DRAWBRIDGE_SEED=N to repeat a run:')
  for (const [name, { about }] of Object.entries(RUNS)) console.log(`  ${name.padEnd(16)} ${about}`)
} else {
  const run = Object.hasOwn(RUNS, name) ? RUNS[name] : undefined
  if (run === undefined || rest.length > 0) {
    console.error(`usage: npm run soak -- NAME; names: ${Object.keys(RUNS).join(', ')}`)
    process.exit(64)
  }
  soak(name, run)
}

function soak(name: string, { file }: Run): void {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-soak-'))
  const reportFile = join(folder, 'report')
  // A run that fails may have nothing to report.
  writeFileSync(reportFile, '')
  const child = spawn(process.execPath, ['test/kit/run-tests.ts', file], {
    stdio: 'inherit',
    env: { ...process.env, [SOAK_VARIABLE]: name, [REPORT_VARIABLE]: reportFile },
  })
  child.on('close', (code) => {
    console.log(readFileSync(reportFile, 'utf8').trimEnd())
    rmSync(folder, { recursive: true })
    process.exitCode = code ?? 1
  })
}
