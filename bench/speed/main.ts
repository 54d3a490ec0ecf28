// `npm run bench`: Holdfast beside its peers on the same work, in one run. Prints a table of ratios, writes it as JSON and as a
// chart, and renews docs/performance.md between its marks. `-- --short` takes half a minute and writes nothing.
// `-- --against PATH` (or a commit) compares with another build of Holdfast instead, and writes nothing; with `--events N` each
// has a log of so many.
// `-- --growth` measures the page instead while sessions and events grow to millions, and renews a block of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { writeInto } from '../report.ts';
import { measureAgainst } from './against.ts';
import { drawBars } from './chart.ts';
import { LARGE, measureGrowth, SMALL } from './growth.ts';
import { measure, type Size } from './measure.ts';
import { bars, inMarkdown } from './results.ts';

const PICTURE = '![Restricted pages per second of processor time, as bars](images/performance.svg)';

const FULL: Size = { rounds: 5, roundMs: 2_000, warmUp: 20_000, pacedMs: 5_000, pageMs: 4_000 };
const SHORT: Size = { rounds: 1, roundMs: 1_000, warmUp: 5_000, pacedMs: 1_000, pageMs: 500 };

const { values } = parseArgs({
  options: {
    short: { type: 'boolean' },
    growth: { type: 'boolean' },
    against: { type: 'string' },
    events: { type: 'string', default: '0' },
  },
});
const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-bench-'));
try {
  if (values.against !== undefined) await against(values.against);
  else if (values.growth) await growth();
  else await peers();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function against(build: string): Promise<void> {
  const size = values.short ? SHORT : { ...FULL, rounds: 9, pacedMs: 2_000 };
  process.stdout.write(`\n${await measureAgainst(build, size, folder, Number(values.events))}\n`);
}

async function growth(): Promise<void> {
  const text = await measureGrowth(values.short ? SMALL : LARGE, folder);
  process.stdout.write(`\n${text}\n`);
  if (!values.short) writeInto('docs/performance.md', 'growth', text);
}

async function peers(): Promise<void> {
  const results = await measure(values.short ? SHORT : FULL, folder);
  const text = inMarkdown(results);
  process.stdout.write(`\n${text}\n`);
  if (!values.short) {
    writeFileSync(path.join(projectRoot, 'docs/performance.json'), `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(path.join(projectRoot, 'docs/images/performance.svg'), drawBars(bars(results)));
    writeInto('docs/performance.md', 'measured', `${PICTURE}\n\n${text}`);
  }
}
