// Hashing gets what pages leave of the processors. In a process of its own: who is not root can't give a thread back what it
// took, and the next test file hashes too.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const MODULE = pathToFileURL(path.resolve('dist/src/core/credentials/hash-threads.js')).href;
const SCRIPT = `
  import { readdirSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { HASHING_NICENESS, lowerHashThreads } from '${MODULE}';
  const before = getPriority();
  const found = await lowerHashThreads();
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [];
  const lowered = threads.filter((thread) => getPriority(thread) === HASHING_NICENESS);
  console.log(JSON.stringify({ found, lowered: lowered.length, keeps: getPriority() === before && before !== HASHING_NICENESS }));`;

test('the threads that hash yield to the event loop, which keeps its priority', () => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], { encoding: 'utf8' });
  const { found, lowered, keeps } = JSON.parse(printed);
  expect({ lowered, keeps }).toEqual({ lowered: found, keeps: true });
  if (process.platform === 'linux') expect(found).toBeGreaterThan(0);
  else expect(found).toBe(0);
});
