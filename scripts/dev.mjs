// `npm run dev`: `npm run up` that follows the code. A change is compiled, and the web processes and the worker are replaced
// with it; where it does not compile, what runs goes on.

import { spawn } from 'node:child_process';
import { watch } from 'node:fs';

const quietMs = 200;
const bootstrap = (...args) => spawn(process.execPath, ['scripts/bootstrap.mjs', ...args], { stdio: 'inherit' });

const up = bootstrap('up', ...process.argv.slice(2));
up.once('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => up.kill(signal));

let timer;
let reloading = false;
let changed = false;

function onChange() {
  changed = true;
  clearTimeout(timer);
  timer = setTimeout(reload, quietMs);
}

/** One at a time; what changes meanwhile is taken up by the next. */
function reload() {
  if (reloading || !changed) return;
  [reloading, changed] = [true, false];
  bootstrap('reload').once('exit', () => {
    reloading = false;
    reload();
  });
}

for (const folder of ['src', 'worker', 'views']) {
  watch(folder, { recursive: true }, (_event, file) => file?.startsWith('generated') || onChange());
}
