// What a server, a database or a role has set of time zones, styles and schemas changes nothing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { type Database, openDatabase } from '../../src/core/platform/database.ts';
import { migrate } from '../../src/core/platform/migrations/migrate.ts';
import { createTestDatabase } from '../support/database.ts';
import { openTestStores } from '../support/stores.ts';

const MOMENT = new Date('2026-07-04T12:34:56.789Z');

describe.each([
  ['America/New_York', 'German, DMY'],
  ['Asia/Kolkata', 'SQL, DMY'],
  ['Pacific/Kiritimati', 'Postgres, MDY'],
])('in a database of the zone %s and the style %s', (zone, style) => {
  let stores: TestStores;
  let database: Database;

  beforeAll(async () => {
    stores = await openTestStores();
    const { superuserUrl, webUrl } = stores.database;
    const name = new URL(superuserUrl).pathname.slice(1);
    await query(
      superuserUrl,
      `ALTER DATABASE ${name} SET timezone TO '${zone}'; ALTER DATABASE ${name} SET datestyle TO '${style}'`,
    );
    database = openDatabase({ url: webUrl, poolSize: 2 });
  });
  afterAll(async () => {
    await database.close();
    await stores.close();
  });

  test('a moment is the same whichever way it is written and read', async () => {
    const { prisma, pool, transact } = database;
    const id = '0193e9b0-0000-7000-8000-000000000001';
    const row = { id, email: 'a@example.org', emailKey: 'a@example.org', passwordHash: 'x', passwordChangedAt: MOMENT };
    await prisma.user.create({ data: { ...row, createdAt: MOMENT } });
    const byPool = async () => {
      const { rows } = await pool.query<{ at: Date }>('SELECT created_at AS at FROM user_account WHERE id = $1', [id]);
      return rows[0]?.at;
    };
    const byRaw = async () => {
      const rows = await prisma.$queryRaw<
        { at: Date }[]
      >`SELECT created_at AS at FROM user_account WHERE id = ${id}::uuid`;
      return rows[0]?.at;
    };
    const byModel = async () => (await prisma.user.findUnique({ where: { id } }))?.createdAt;
    const ways = async () => [await byPool(), await byRaw(), await byModel()];
    expect(await ways()).toEqual([MOMENT, MOMENT, MOMENT]);

    const later = new Date(MOMENT.getTime() + 1);
    await pool.query('UPDATE user_account SET created_at = $2 WHERE id = $1', [id, later]);
    expect(await ways()).toEqual([later, later, later]);

    await transact(
      (transaction) => transaction.$executeRaw`UPDATE user_account SET created_at = ${MOMENT} WHERE id = ${id}::uuid`,
    );
    expect(await ways()).toEqual([MOMENT, MOMENT, MOMENT]);
  });

  test('now is now', async () => {
    const { rows } = await database.pool.query<{ at: Date }>('SELECT clock_timestamp() AS at');
    expect(Math.abs((rows[0]?.at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const [raw] = await database.prisma.$queryRaw<{ at: Date }[]>`SELECT clock_timestamp() AS at`;
    expect(Math.abs((raw?.at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('bytes and fractions come back whole', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { rows } = await database.pool.query<{ bytes: Buffer; tenth: number }>(
      'SELECT $1::bytea AS bytes, 0.1::float8 + 0.2::float8 AS tenth',
      [bytes],
    );
    expect(rows[0]?.bytes.equals(bytes)).toBe(true);
    expect(rows[0]?.tenth).toBe(0.1 + 0.2);
    const [raw] = await database.prisma.$queryRaw<
      { bytes: Uint8Array }[]
    >`SELECT ${new Uint8Array(bytes)}::bytea AS bytes`;
    expect(Buffer.from(raw?.bytes ?? []).equals(bytes)).toBe(true);
  });
});

describe('a migration', () => {
  async function emptyDatabase(create: string): Promise<{ url: string; drop(): Promise<void> }> {
    const superuserUrl = process.env['TEST_POSTGRES_SUPERUSER_URL'] ?? '';
    const name = `empty_${Math.random().toString(36).slice(2)}`;
    await query(superuserUrl, `CREATE DATABASE ${name} OWNER holdfast ${create}`);
    const url = new URL(process.env['TEST_POSTGRES_OWNER_URL'] ?? '');
    url.pathname = `/${name}`;
    return { url: url.href, drop: async () => void (await query(superuserUrl, `DROP DATABASE ${name} WITH (FORCE)`)) };
  }

  test('makes its tables in public, whatever the search path', async () => {
    const { url, drop } = await emptyDatabase('');
    try {
      const name = new URL(url).pathname.slice(1);
      await query(
        process.env['TEST_POSTGRES_SUPERUSER_URL'] ?? '',
        `ALTER DATABASE ${name} SET search_path TO elsewhere; ALTER DATABASE ${name} SET timezone TO 'Asia/Kolkata'`,
      );
      await migrate(url);
      expect(await migrate(url)).toEqual([]);
      const tables = await query<{ schema: string }>(
        url,
        `SELECT DISTINCT table_schema AS schema FROM information_schema.tables WHERE table_name IN ('user_account', 'session', '_prisma_migrations')`,
      );
      expect(tables).toEqual([{ schema: 'public' }]);
    } finally {
      await drop();
    }
  });

  test('finds host, port and role among the parameters of the URL, too', async () => {
    const { url, drop } = await emptyDatabase('');
    const { username, password, hostname, port, pathname } = new URL(url);
    try {
      await migrate(`postgresql://${pathname}?host=${hostname}&port=${port}&user=${username}&password=${password}`);
      expect(await migrate(url)).toEqual([]);
    } finally {
      await drop();
    }
  });

  test.each(['LATIN1', 'SQL_ASCII'])('refuses a database in %s, and leaves nothing', async (encoding) => {
    const { url, drop } = await emptyDatabase(
      `ENCODING '${encoding}' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'`,
    );
    try {
      await expect(migrate(url)).rejects.toThrow(`The database has the encoding ${encoding}; Holdfast needs UTF8`);
      expect(await query(url, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
    } finally {
      await drop();
    }
  });
});

test('every test runs on a database with awkward settings', async () => {
  const database = await createTestDatabase();
  try {
    expect(await query(database.webUrl, 'SHOW timezone')).toEqual([{ TimeZone: 'America/New_York' }]);
    expect(await query(database.superuserUrl, 'SHOW timezone')).toEqual([{ TimeZone: 'UTC' }]);
    const text = `SELECT datcollate AS collation, datconnlimit AS connections FROM pg_database WHERE datname = current_database()`;
    expect(await query(database.superuserUrl, text)).toEqual([{ collation: 'C', connections: 20 }]);
  } finally {
    await database.drop();
  }
});
