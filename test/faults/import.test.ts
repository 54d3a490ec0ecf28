// An import that is killed in the middle, and run again: each person is there once, and nothing of anybody is missing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { COMMANDS, commandLine } from '../support/command-line.ts';
import { world } from '../support/world.ts';

/** So many that it takes seconds. */
const PEOPLE = 30_000;
const { stores, sql, atEnd } = await world({ webs: 0 });
const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-import-'));
atEnd(() => rm(folder, { recursive: true }));

const count = async (from: string) => (await sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`))[0]?.n ?? 0;

test('killed twice, then left alone', async () => {
  const file = path.join(folder, 'people.ndjson');
  const people = Array.from({ length: PEOPLE }, (_, number) => ({
    externalId: String(number),
    email: `person${number}@example.org`,
    password_hash: `$2b$10$${String(number).padStart(53, 'a')}`,
    groups: [`team-${number % 3}`],
  }));
  await writeFile(file, people.map((person) => `${JSON.stringify(person)}\n`).join(''));
  const args = ['import', file, '--reason', 'a drill'];
  const env = { PATH: process.env['PATH'], DATABASE_URL: stores.database.webUrl, REDIS_URL: stores.redisUrl };

  for (const enough of [1, 3_000]) {
    const child = spawn(process.execPath, [COMMANDS, ...args], { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    try {
      await until(async () => child.exitCode !== null || (await count('user_account')) >= enough, 120_000);
    } finally {
      child.kill('SIGKILL');
    }
    expect((await ended)[1]).toBe('SIGKILL');
  }
  const left = await count('user_account');
  expect(left).toBeGreaterThanOrEqual(3_000);
  expect(left).toBeLessThan(PEOPLE);

  const result = await commandLine(stores)([...args, '--json']);
  expect(result.code).toBe(0);
  expect(JSON.parse(result.out)).toMatchObject({ read: PEOPLE, created: PEOPLE - left, unchanged: left, errors: {} });
  expect(await count('user_account JOIN imported_password ON id = user_id')).toBe(PEOPLE);
  expect(await count('group_member')).toBe(PEOPLE);
  const told = (type: string) =>
    `(SELECT event ->> 'subject' AS subject FROM outbox WHERE event ->> 'type' = '${type}') AS told`;
  for (const type of ['user_created', 'group_member_added']) {
    expect(await count(told(type))).toBe(PEOPLE);
    expect(await count(`(SELECT DISTINCT subject FROM ${told(type)}) AS one`)).toBe(PEOPLE);
  }
}, 240_000);
