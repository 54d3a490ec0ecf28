// The ten test files that took longest, at the end of a run of more than ten.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const SHOWN = 10;

export default class Slowest {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  onRunComplete(_contexts, { testResults }) {
    const took = testResults
      .map(({ testFilePath, perfStats }) => [
        path.relative(this.rootDir, testFilePath),
        perfStats.end - perfStats.start,
      ])
      .sort(([, one], [, other]) => other - one);
    if (took.length > SHOWN) process.stderr.write(listing(took.slice(0, SHOWN)));
    if (process.env.UPDATE_DURATIONS === '1') record(took);
  }
}

function listing(slowest) {
  const lines = slowest.map(([file, ms]) => `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${file}\n`);
  return `\nSlowest files:\n${lines.join('')}`;
}

/** To a tenth of a second, in the order of their names: few lines change. */
function record(took) {
  const rounded = took.map(([file, ms]) => [file, Math.round(ms / 100) * 100]).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify(Object.fromEntries(rounded), null, 2);
  writeFileSync(new URL('durations.json', import.meta.url), `${text}\n`);
}
