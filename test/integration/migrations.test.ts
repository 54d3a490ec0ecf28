// The schema in the database is the one that the code was generated from, and Prisma's own command would accept it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { query } from '../../harness/query.ts';
import type { TestDatabase } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { type Database, openDatabase } from '../../src/core/platform/database.ts';
import { migrate } from '../../src/core/platform/migrations/migrate.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';
import { createTestDatabase } from '../support/database.ts';

let stores: TestDatabase;
let database: Database;

beforeAll(async () => {
  stores = await createTestDatabase();
  database = openDatabase({ url: stores.ownerUrl, poolSize: 2 });
});

afterAll(async () => {
  await database?.close();
  await stores?.drop();
});

test('each migration is recorded once, with the checksum of its file, and a second run does nothing', async () => {
  const folder = path.join(projectRoot, 'prisma', 'migrations');
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const expected = await Promise.all(
    names.sort().map(async (name) => ({
      migration_name: name,
      checksum: createHash('sha256')
        .update(await readFile(path.join(folder, name, 'migration.sql')))
        .digest('hex'),
      applied_steps_count: 1,
      finished: true,
    })),
  );
  const text = `SELECT migration_name, checksum, applied_steps_count, finished_at IS NOT NULL AND rolled_back_at IS NULL AS finished
                  FROM _prisma_migrations ORDER BY migration_name`;
  expect(await query(stores.ownerUrl, text)).toEqual(expected);
  expect(await migrate(stores.ownerUrl)).toEqual([]);
  expect(await query(stores.ownerUrl, text)).toEqual(expected);
});

test('every model finds its table with every column, of a type that it can read', async () => {
  for (const model of Object.values(Prisma.ModelName)) {
    const delegate = database.prisma[(model[0]?.toLowerCase() + model.slice(1)) as 'user'];
    await expect(delegate.findFirst()).resolves.toBeDefined();
  }
  const tables = await query<{ count: string }>(
    stores.ownerUrl,
    `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
  );
  expect(Number(tables[0]?.count)).toBe(Object.values(Prisma.ModelName).length + 1);
});

/** A database from before its last migrations, which are named. */
async function takeBack(): Promise<string[]> {
  const names = [
    '20261127000004_since_the_log_in',
    '20261127000005_browsers_before_factors',
    '20261128000001_ended_sessions',
    '20261128000002_revoked_browsers',
    '20261128000003_blocks_of_a_person',
    '20261128000004_code_of_the_second_factor',
  ];
  await query(stores.superuserUrl, 'ALTER TABLE session DROP COLUMN logged_in_at; ALTER TABLE token DROP COLUMN since');
  await query(stores.superuserUrl, 'DELETE FROM _prisma_migrations WHERE migration_name = ANY ($1)', [names]);
  return names;
}

test('a migration lets others pass while somebody holds its table, and is applied afterwards', async () => {
  const missing = await takeBack();
  const backup = new pg.Client({ connectionString: stores.superuserUrl });
  await backup.connect();
  try {
    await backup.query('BEGIN; LOCK TABLE session IN ACCESS SHARE MODE');
    let waits = 0;
    const onWait = () => {
      waits += 1;
    };
    const migrating = migrate(stores.ownerUrl, { pauseMs: 50, onWait });
    for (let reads = 0; waits < 2; reads += 1) {
      const began = performance.now();
      await query(stores.webUrl, 'SELECT count(*) FROM session');
      expect(performance.now() - began).toBeLessThan(5_000);
      if (reads === 0) await delay(100); // until the migration is waiting
    }
    await backup.query('COMMIT');
    expect(await migrating).toEqual(missing);
  } finally {
    await backup.end();
  }
  await query(stores.webUrl, 'SELECT logged_in_at FROM session');
});

test('a migration whose table is never let go of fails with the reason, and can be tried again', async () => {
  const missing = await takeBack();
  const holder = new pg.Client({ connectionString: stores.superuserUrl });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE session IN ACCESS SHARE MODE');
    await expect(migrate(stores.ownerUrl, { waitMs: 0, pauseMs: 50 })).rejects.toThrow(/lock timeout/);
  } finally {
    await holder.end();
  }
  expect(await migrate(stores.ownerUrl)).toEqual(missing);
});

test('a migration that a deadlock ends is tried again', async () => {
  const missing = await takeBack();
  const holder = new pg.Client({ connectionString: stores.superuserUrl });
  await holder.connect();
  try {
    await holder.query("SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE token IN ACCESS SHARE MODE");
    let waits = 0;
    const onWait = () => {
      waits += 1;
    };
    const migrating = migrate(stores.ownerUrl, { pauseMs: 50, onWait });
    await until(async () => {
      const waiting = `SELECT FROM pg_locks WHERE relation = 'token'::regclass AND NOT granted`;
      return (await query(stores.superuserUrl, waiting)).length > 0;
    });
    await holder.query('SELECT count(*) FROM session'); // which the migration holds, until it is the one to give way
    expect(waits).toBe(1);
    await holder.query('COMMIT');
    expect(await migrating).toEqual(missing);
  } finally {
    await holder.end();
  }
});

/** Whether a migration waits for the table `session`, which somebody holds. */
async function waitsForSession(): Promise<boolean> {
  const waiting = `SELECT FROM pg_locks WHERE relation = 'session'::regclass AND NOT granted`;
  return (await query(stores.superuserUrl, waiting)).length > 0;
}

const unfinished = () => query(stores.superuserUrl, 'SELECT FROM _prisma_migrations WHERE finished_at IS NULL');

test('a migration that was killed is in nobody’s way', async () => {
  const missing = await takeBack();
  const holder = new pg.Client({ connectionString: stores.superuserUrl });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE session IN ACCESS SHARE MODE');
    const child = spawn(process.execPath, [path.resolve('dist/src/cli/main.js'), 'migrate'], {
      env: { PATH: process.env['PATH'], DATABASE_URL: stores.ownerUrl },
      stdio: 'ignore',
    });
    await until(waitsForSession);
    child.kill('SIGKILL');
    await once(child, 'close');
    await until(async () => !(await waitsForSession())); // PostgreSQL goes on with the script of one that is gone
    expect(await unfinished()).toHaveLength(1);
  } finally {
    await holder.end();
  }
  expect(await migrate(stores.ownerUrl)).toEqual(missing);
});

test('a migration that was killed after its script and before its engine noted so is done', async () => {
  const missing = await takeBack();
  await query(
    stores.superuserUrl,
    `CREATE FUNCTION killed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
     CREATE TRIGGER killed BEFORE UPDATE OF applied_steps_count ON _prisma_migrations EXECUTE FUNCTION killed()`,
  );
  await expect(migrate(stores.ownerUrl)).rejects.toThrow(/killed/);
  await query(stores.superuserUrl, 'DROP FUNCTION killed CASCADE');
  await query(stores.webUrl, 'SELECT logged_in_at FROM session');
  expect(await unfinished()).toEqual([]);
  expect(await migrate(stores.ownerUrl)).toEqual(missing.slice(1));
});

test('an index is built while others write, and anew where an earlier try was killed', async () => {
  const name = '20261128000001_ended_sessions';
  await query(stores.superuserUrl, 'DROP INDEX session_ended_at');
  await query(stores.superuserUrl, 'DELETE FROM _prisma_migrations WHERE migration_name = $1', [name]);
  const [writer, ended] = [
    new pg.Client({ connectionString: stores.superuserUrl }),
    'UPDATE session SET ended_at = now()',
  ];
  await writer.connect();
  try {
    await writer.query(`BEGIN; ${ended}`);
    const killed = new pg.Client({ connectionString: stores.superuserUrl });
    await killed.connect();
    await killed.query(`SET statement_timeout = 500`);
    const built = killed.query('CREATE INDEX CONCURRENTLY "session_ended_at" ON "session"("ended_at")');
    await expect(built).rejects.toThrow(/statement timeout/);
    await killed.end();
    const migrating = migrate(stores.ownerUrl);
    await until(async () => {
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted`;
      return (await query(stores.superuserUrl, waiting)).length > 0;
    });
    await query(stores.superuserUrl, ended);
    await writer.query('COMMIT');
    expect(await migrating).toEqual([name]);
  } finally {
    await writer.end();
  }
  const valid = `SELECT indisvalid AS valid, pg_get_expr(indpred, indrelid) AS only FROM pg_index
                  WHERE indexrelid = 'session_ended_at'::regclass`;
  expect(await query(stores.superuserUrl, valid)).toEqual([{ valid: true, only: '(ended_at IS NOT NULL)' }]);
});

test('an index of the log is built month by month while others seal, also where an earlier try was left half done', async () => {
  const name = '20261130120100_events_by_type';
  const [writer, seal] = [
    new pg.Client({ connectionString: stores.superuserUrl }),
    `INSERT INTO audit_event (seq, sealed_at, id, occurred_at, type, outcome, detail, personal_hash, prev_hash, hash)
     SELECT coalesce(max(seq), 0) + 1, now(), gen_random_uuid(), now(), 'sys_startup', 'success', '{}', '', '', '' FROM audit_event`,
  ];
  await query(
    stores.superuserUrl,
    `DROP INDEX audit_event_type_block_idx; DELETE FROM _prisma_migrations WHERE migration_name = '${name}';
     CREATE INDEX audit_event_type_block_idx ON ONLY audit_event (type, (seq >> 8))`,
  );
  await writer.connect();
  try {
    await writer.query(`BEGIN; ${seal}`);
    const migrating = migrate(stores.ownerUrl);
    await until(async () => {
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted`;
      return (await query(stores.superuserUrl, waiting)).length > 0;
    });
    await query(stores.superuserUrl, seal);
    await writer.query('COMMIT');
    expect(await migrating).toEqual([name]);
  } finally {
    await writer.end();
  }
  const [built] = await query<{ valid: boolean; parts: number; months: number }>(
    stores.superuserUrl,
    `SELECT bool_and(indisvalid) AS valid, count(*)::int - 1 AS parts,
            (SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'audit_event'::regclass) AS months
       FROM pg_index WHERE indexrelid IN (SELECT relid FROM pg_partition_tree('audit_event_type_block_idx'))`,
  );
  expect(built).toEqual({ valid: true, parts: built?.months, months: expect.any(Number) });
  expect(built?.months).toBeGreaterThan(1);
});

test('of two migrations at once one waits for the other, and then has nothing to do', async () => {
  const missing = await takeBack();
  const holder = new pg.Client({ connectionString: stores.superuserUrl });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE session IN ACCESS SHARE MODE');
    const first = migrate(stores.ownerUrl, { pauseMs: 50 });
    await until(waitsForSession);
    await expect(migrate(stores.ownerUrl, { waitMs: 0 })).rejects.toThrow(/Another migration .* is still under way/);
    const waits: string[] = [];
    const second = migrate(stores.ownerUrl, { onWait: (what) => waits.push(what) });
    await until(async () => waits.length > 0);
    await holder.query('COMMIT');
    expect(await first).toEqual(missing);
    expect(await second).toEqual([]);
    expect(waits).toEqual(['turn']);
  } finally {
    await holder.end();
  }
});

test('browsers that became known before their account had a second factor are strangers again, and no other', async () => {
  await takeBack();
  const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
  const people = [
    { n: 1, factors: ['totp'] },
    { n: 2, factors: [] },
    { n: 3, factors: ['passkey', 'totp'] },
  ];
  for (const { n, factors } of people) {
    await query(
      stores.superuserUrl,
      `INSERT INTO user_account (id, email, email_key, password_hash) VALUES ($1, $2, $2, 'none')`,
      [id(n), `${n}@example.org`],
    );
    for (const [age, factor] of factors.entries()) {
      const columns =
        factor === 'totp'
          ? `INSERT INTO totp (user_id, secret, last_step, created_at) VALUES ($1, '\\x00', 0, now() - $2 * interval '1 day')`
          : `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name, created_at)
             VALUES (gen_random_uuid(), $1, 'credential', '\\x00', 0, '{}', 'key', now() - $2 * interval '1 day')`;
      await query(stores.superuserUrl, columns, [id(n), 10 + age * 10]);
    }
    for (const days of [5, 15, 25])
      await query(
        stores.superuserUrl,
        `INSERT INTO known_device (id, token_hash, user_id, last_used_at)
         VALUES (gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), $1, now() - $2 * interval '1 day')`,
        [id(n), days],
      );
  }
  await migrate(stores.ownerUrl);
  const known = await query<{ user: string; days: number }>(
    stores.superuserUrl,
    `SELECT right(user_id::text, 1) AS user, round(extract(epoch FROM now() - last_used_at) / 86400)::int AS days
       FROM known_device WHERE revoked_at IS NULL ORDER BY 1, 2`,
  );
  expect(known.map(({ user, days }) => `${user}: ${days}`)).toEqual([
    '1: 5',
    '2: 5',
    '2: 15',
    '2: 25',
    '3: 5',
    '3: 15',
  ]);
});

test('a database that is not ours to make roles in is refused with the reason', async () => {
  await query(stores.superuserUrl, 'DROP ROLE IF EXISTS no_rights');
  await query(stores.superuserUrl, `CREATE ROLE no_rights LOGIN PASSWORD 'no-rights'`);
  const url = new URL(stores.ownerUrl);
  url.username = 'no_rights';
  url.password = 'no-rights';
  await expect(migrate(url.href)).rejects.toThrow(/permission denied/);
});

test('a schema without one of its triggers, as after a restore that was cut off, is not called up to date', async () => {
  const part = await createTestDatabase();
  try {
    const dropped = 'DROP TRIGGER audit_event_append_only ON audit_event';
    await query(part.ownerUrl, dropped);
    await expect(migrate(part.ownerUrl)).rejects.toThrow(
      /Missing, or switched off: audit_event_append_only of audit_event\./,
    );
    await query(part.ownerUrl, 'ALTER TABLE "session" DISABLE TRIGGER session_children');
    await expect(migrate(part.ownerUrl)).rejects.toThrow('session_children of session');
  } finally {
    await part.drop();
  }
});
