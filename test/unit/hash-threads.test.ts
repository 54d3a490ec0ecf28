// Hashing gets what pages leave of the processors. In a process of its own: who is not root can't give a thread back what it
// took, and the next test file hashes too.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const MODULE = pathToFileURL(path.resolve('dist/src/core/credentials/hash-threads.js')).href;
const SCRIPT = `
  import { readdirSync } from 'node:fs';
  import { getPriority, setPriority } from 'node:os';
  import { hashingNiceness, lowerHashThreads } from '${MODULE}';
  if (process.argv[1]) setPriority(Number(process.argv[1]));
  const before = getPriority();
  const niceness = hashingNiceness();
  const found = await lowerHashThreads();
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [];
  const lowered = threads.filter((thread) => getPriority(thread) === niceness);
  console.log(JSON.stringify({ found, lowered: lowered.length, keeps: getPriority() === before && before < niceness }));`;

test.each([
  ['as it was started', ''],
  ['low', '14'],
])('the threads that hash yield to the event loop, which keeps its priority: %s', (_, niceness) => {
  const args = ['--input-type=module', '--eval', SCRIPT, niceness];
  const printed = execFileSync(process.execPath, args, { encoding: 'utf8' });
  const { found, lowered, keeps } = JSON.parse(printed);
  expect({ lowered, keeps }).toEqual({ lowered: found, keeps: true });
  if (process.platform === 'linux') expect(found).toBeGreaterThan(0);
  else expect(found).toBe(0);
});
