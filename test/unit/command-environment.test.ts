// How a command reaches the stores of a running `npm run up`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { commandEnvironment } from '../../src/cli/connect.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-up-'));
const running = {
  ...{ databaseUrl: 'postgres://db/holdfast', redisUrl: 'redis+sentinel://s1/main' },
  redisSettings: { REDIS_SENTINEL_PASSWORD: 'theirs' },
  pids: { launcher: process.pid },
};

beforeAll(() => writeFileSync(path.join(folder, 'up.json'), JSON.stringify(running)));
afterAll(() => rmSync(folder, { recursive: true }));

test('with all that it takes to reach its Redis', async () => {
  expect(await commandEnvironment({ DATA_DIR: folder })).toMatchObject({
    ...{ REDIS_URL: running.redisUrl, REDIS_SENTINEL_PASSWORD: 'theirs', DATABASE_URL: running.databaseUrl },
  });
});

test('with the same where that Redis is given by its address', async () => {
  const env = await commandEnvironment({ DATA_DIR: folder, REDIS_URL: running.redisUrl });
  expect(env).toMatchObject({ REDIS_SENTINEL_PASSWORD: 'theirs', DATABASE_URL: running.databaseUrl });
});

test('with none of that for another Redis', async () => {
  const other = { REDIS_URL: 'redis://other', DATABASE_URL: 'postgres://other/holdfast' };
  const env = await commandEnvironment({ DATA_DIR: folder, ...other });
  expect(env).toMatchObject(other);
  expect(env).not.toHaveProperty('REDIS_SENTINEL_PASSWORD');
});
