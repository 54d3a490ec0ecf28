// The program's log of a process that writes many lines: written together, and none of them lost when it stops or breaks.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { openTestStores } from '../support/stores.ts';

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

test('what Redis and PostgreSQL refused is told without the values that they were given', async () => {
  const stores = await openTestStores();
  const script = `
    import { Redis } from 'ioredis';
    import pg from 'pg';
    import { createLog } from '${logModule}';
    const log = createLog({ level: 'info', name: 'web' });
    const said = (err) => log.warn({ err }, 'refused');
    const redis = new Redis(process.env.REDIS);
    await redis.set('text', '');
    await redis.lpush('text', 'ada@example.org').catch(said);
    const client = new pg.Client(process.env.POSTGRES);
    await client.connect();
    await client.query("CREATE TEMP TABLE person (email text UNIQUE CHECK (email <> 'bob@example.org'))");
    const insert = (email) => client.query('INSERT INTO person VALUES ($1)', [email]).catch(said);
    for (const email of ['ada@example.org', 'ada@example.org', 'bob@example.org']) await insert(email);
    process.exit(0);`;
  const env = { ...process.env, REDIS: stores.redisUrl, POSTGRES: stores.database.superuserUrl };
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env });
  await stores.close();
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).err.message)).toEqual([
    expect.stringContaining('WRONGTYPE'),
    expect.stringContaining('duplicate key'),
    expect.stringContaining('violates check constraint'),
  ]);
  expect(JSON.parse(lines[0] ?? '').err.command).toEqual({ name: 'lpush', args: '[redacted]' });
  expect(stdout).not.toContain('@example.org');
});
