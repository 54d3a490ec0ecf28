// The programs behind npm's scripts read their arguments before they do anything.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-arguments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], DATA_DIR: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.resolve('dist/src', program), ...args], {
    env,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

const PROGRAMS = [
  ['launcher/main.js', 'npm run up'],
  ['launcher/down.js', 'npm run down'],
  ['launcher/reload.js', 'npm run reload'],
  ['supervisor/main.js', 'npm start'],
  ['web/supervisor.js', 'npm start'],
] as const;

test.each(PROGRAMS)('%s prints its usage for --help, and does nothing else', (program, command) => {
  for (const help of ['--help', '-h']) {
    const { code, out, err } = run(program, help);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`^Usage: ${command}`));
  }
  expect(readdirSync(folder)).toEqual([]);
});

test.each(PROGRAMS)('%s refuses what it does not know, and does nothing', (program, command) => {
  for (const strange of ['--demp', 'now']) {
    const { code, out, err } = run(program, strange);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(strange);
    expect(err).toContain(`Usage: ${command}`);
  }
  expect(readdirSync(folder)).toEqual([]);
});

test.each([['--pid'], ['--pid', 'x'], ['--pid', '0']])('reload refuses %s %s', (...args) => {
  expect(run('launcher/reload.js', ...args)).toMatchObject({ code: 2, out: '' });
});
