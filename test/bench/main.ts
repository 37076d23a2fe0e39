// `npm run bench -- SUITE [--json]`: a table for people, or one JSON line a figure.
import { table } from '../../src/cli/output.ts'
import type { Figure } from './figure.ts'

const SUITES: Record<string, () => Promise<{ run(report: (figure: Figure) => void): Promise<void> }>> = {
  embedded: () => import('./embedded/suite.ts'),
  kafka: () => import('./kafka/suite.ts'),
  rabbitmq: () => import('./rabbitmq/suite.ts'),
}

const [name = '', ...flags] = process.argv.slice(2)
const load = SUITES[name]
if (load === undefined || flags.some((flag) => flag !== '--json')) {
  console.error(`usage: npm run bench -- SUITE [--json]; suites: ${Object.keys(SUITES).join(', ')}`)
  process.exit(64)
}
const json = flags.includes('--json')
const figures: Figure[] = []
const { run } = await load()
await run((figure) => {
  figures.push(figure)
  if (json) console.log(JSON.stringify(figure))
  else console.error(`  ${figure.name}: ${figure.ours} ${figure.unit}, raw ${figure.raw}, ratio ${figure.ratio}`)
})
if (!json) {
  const columns = [
    'name',
    'ours',
    'raw',
    'ratio',
    'unit',
    'cpuSecondsPerMillion',
    'rawCpuSecondsPerMillion',
    'peakMemoryMiB',
    'rawPeakMemoryMiB',
    'against',
  ]
  for (const line of table(
    columns,
    figures.map((figure) => ({ ...figure })),
  ))
    console.log(line)
}
