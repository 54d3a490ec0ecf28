// Before the first test: one PostgreSQL and one Redis for the whole run, in a folder of their own, and a migrated database
// that each test file clones. They end with this process, however it ends.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { isRunning } from '../../dist/src/launcher/machine/process.js';
import { startPostgres } from '../../dist/src/launcher/servers/postgres.js';
import { startRedis } from '../../dist/src/launcher/servers/redis.js';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const prefix = 'holdfast-test-';

export default async function setUp() {
  sweep();
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`));
  chmodSync(folder, 0o711); // run by root, PostgreSQL may be another user, who has to reach its files
  const log = (message) => process.stderr.write(`${message}\n`);
  const [postgres, redis] = await Promise.all([
    startPostgres({ dataDir: path.join(folder, 'postgres'), durable: false, log }),
    startRedis({
      dataDir: path.join(folder, 'redis'),
      serversDir: path.join(root, '.data/servers'),
      searchPath: process.env.PATH ?? '',
      config: { databases: '512', appendfsync: 'no' },
      log,
    }),
  ]);
  globalThis.holdfastServers = { folder, postgres, redis };
  Object.assign(process.env, {
    TEST_POSTGRES_OWNER_URL: postgres.ownerUrl,
    TEST_POSTGRES_SUPERUSER_URL: postgres.superuserUrl,
    TEST_POSTGRES_WEB_URL: withRole(postgres.ownerUrl, 'holdfast_web_test'),
    TEST_POSTGRES_WORKER_URL: withRole(postgres.ownerUrl, 'holdfast_worker_test'),
    TEST_REDIS_URL: redis.url.replace(/\/0$/, ''),
    TEST_MIGRATED_POSTGRES: path.join(folder, 'migrated'),
  });
  await makeTemplate(postgres);
}

async function makeTemplate({ superuserUrl, ownerUrl }) {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  await client.query(
    `CREATE DATABASE holdfast_template OWNER holdfast TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'`,
  );
  await client.end();
  const inTemplate = (url) => url.replace(/\/[^/]*$/, '/holdfast_template');
  const env = {
    ...process.env,
    DATABASE_URL: inTemplate(ownerUrl),
    WEB_DATABASE_URL: inTemplate(process.env.TEST_POSTGRES_WEB_URL),
    WORKER_DATABASE_URL: inTemplate(process.env.TEST_POSTGRES_WORKER_URL),
  };
  const run = spawnSync(process.execPath, ['dist/src/cli/main.js', 'migrate'], { cwd: root, env, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`The template database can't be migrated:\n${run.stdout}${run.stderr}`);
}

function withRole(url, role) {
  const changed = new URL(url);
  changed.username = role;
  changed.password = randomBytes(24).toString('base64url');
  return changed.href;
}

/** Folders of this user's test runs that were killed; those of another are another's to remove. */
function sweep() {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length).split('-')[0] : Number.NaN);
    const folder = path.join(tmpdir(), name);
    if (
      Number.isInteger(pid) &&
      !isRunning(pid) &&
      lstatSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.()
    )
      rmSync(folder, { recursive: true, force: true });
  }
}
