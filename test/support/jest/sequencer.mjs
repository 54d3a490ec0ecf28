// The longest files first, so that none is left running alone at the end: by what they took in this checkout's last run, or
// by durations.json, which `UPDATE_DURATIONS=1 npm test` renews. A new file counts as one of its folder.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Sequencer from '@jest/test-sequencer';

const recorded = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8'));
const usual = { faults: 60_000, browser: 40_000, attacks: 20_000, integration: 10_000, unit: 1_000 };

export default class LongestFirst extends Sequencer {
  time(test) {
    const file = path.relative(test.context.config.rootDir, test.path);
    return super.time(test) ?? recorded[file] ?? usual[file.split(path.sep)[1]];
  }
}
