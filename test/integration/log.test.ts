// The program's log of a process that writes many lines: written together, and none of them lost when it stops or breaks.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const LINES = 3_000;
const logModule = pathToFileURL(path.resolve('dist/src/core/platform/log.js')).href;

function run(ending: string): { code: number | null; messages: string[] } {
  const script = `
    import { createLog, flushLog } from '${logModule}';
    const log = createLog({ level: 'info', name: 'web', buffered: true });
    process.on('uncaughtException', (error) => { log.fatal({ err: error }, 'broken'); process.exit(1); });
    for (let line = 0; line < ${LINES}; line += 1) log.info({ line, password: 'secret' }, 'a line');
    ${ending}`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stdout).not.toContain('secret');
  const lines = stdout.trim().split('\n');
  return { code: status, messages: lines.map((line) => (JSON.parse(line) as { msg: string }).msg) };
}

describe('every line is written', () => {
  test('when the process exits at once', () => {
    const { code, messages } = run('process.exit(0);');
    expect({ code, count: messages.length }).toEqual({ code: 0, count: LINES });
  });

  test('when it ends by itself', () => {
    expect(run('').messages).toHaveLength(LINES);
  });

  test('when it is told to, and what comes later too', () => {
    const { messages } = run(`await flushLog(log); log.info('later'); process.exit(0);`);
    expect(messages).toHaveLength(LINES + 1);
    expect(messages.at(-1)).toBe('later');
  });

  test('when an error was caught by nobody', () => {
    const { code, messages } = run(`setTimeout(() => { throw new Error('unforeseen'); }, 1);`);
    expect({ code, last: messages.at(-1), count: messages.length }).toEqual({
      code: 1,
      last: 'broken',
      count: LINES + 1,
    });
  });
});

test('the line of a request says what every line says: level, time, name, pid and message', () => {
  const script = `
    import { createLog, requestLines } from '${logModule}';
    const log = createLog({ level: 'info', name: 'web', buffered: true });
    log.info({ requestId: 'a-1', method: 'GET', path: '/', status: 200, ms: 1, ip: null }, 'request');
    requestLines(log)({ requestId: 'a-1', method: 'GET', path: '/', status: 200, ms: 1, ip: null });`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const [usual, quick] = stdout
    .trim()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), time: 'then' }));
  expect(quick).toEqual(usual);
  expect(Object.keys(quick)).toEqual(Object.keys(usual));
  expect(quick.pid).toEqual(expect.any(Number));
});

test('an error is told with its causes, each of them once', () => {
  const script = `
    import { createLog } from '${logModule}';
    const log = createLog({ level: 'info', name: 'worker' });
    const cause = new Error('it says nothing');
    log.warn({ err: new Error('PostgreSQL is away: it says nothing', { cause }) }, 'a job failed');
    log.warn({ err: new Error('the template does not compile', { cause }) }, 'a page failed');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).err);
  expect(told).toMatchObject([
    { type: 'Error', message: 'PostgreSQL is away: it says nothing', stack: expect.stringContaining('caused by') },
    { type: 'Error', message: 'the template does not compile: it says nothing' },
  ]);
});
