// What a PostgreSQL that is away, full, slow or in two minds looks like from here, provoked on a real one: each is an outage,
// which a page answers with 503 and when to try again; what the caller did wrong is none.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { sentenceOf } from '../../src/cli/terminal/errors.ts';
import {
  afterCommit,
  type Database,
  isDatabaseOutage,
  nudgeAfterCommit,
  openDatabase,
  type Transaction,
} from '../../src/core/platform/database.ts';
import { Browser, newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, atEnd, newMember } = await world({
  webs: [{ SMTP_URL: 'smtp://127.0.0.1:1', REGISTRATION: 'open', DATABASE_POOL: '2' }],
});
const opened: Database[] = [];
const sockets = new Set<Socket>();
const servers: ReturnType<typeof createServer>[] = [];

beforeAll(async () => {
  const sql = (text: string) => query(stores.database.superuserUrl, text);
  await sql('CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)');
  await sql('GRANT ALL ON pair TO PUBLIC');
  await sql('INSERT INTO pair VALUES (1, 0), (2, 0)');
});

atEnd(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await Promise.all(opened.map((database) => database.close()));
});

function open(url = stores.database.webUrl, poolSize = 3, statementTimeoutMs = 800): Database {
  const database = openDatabase({ url, poolSize, connectTimeoutMs: 2_000, statementTimeoutMs });
  opened.push(database);
  return database;
}

function at(change: (url: URL) => void): string {
  const url = new URL(stores.database.webUrl);
  change(url);
  return url.href;
}

/** The address of something that takes connections and is no PostgreSQL. */
async function impostor(onConnect: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnect(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return at((url) => {
    url.port = String((server.address() as AddressInfo).port);
  });
}

/** A PostgreSQL that lets a client in and then hears nothing more. */
function deafOnceIn(socket: Socket): void {
  const { hostname, port } = new URL(stores.database.webUrl);
  const server = connect(Number(port), hostname);
  sockets.add(server.on('error', () => undefined));
  let deaf = false;
  server.on('data', (bytes) => {
    socket.write(bytes);
    deaf ||= bytes.includes(Buffer.from('Z\0\0\0\u0005I', 'latin1'));
  });
  socket.on('data', (bytes) => void (deaf || server.write(bytes)));
  socket.on('close', () => server.destroy());
}

/** Every way by which the core asks. */
const WAYS: Readonly<Record<string, (database: Database) => Promise<unknown>>> = {
  'a model': ({ prisma }) => prisma.user.findFirst(),
  'a raw query': ({ prisma }) => prisma.$queryRaw`SELECT 1`,
  'a transaction': ({ prisma }) => prisma.$transaction((transaction) => transaction.user.findFirst()),
  'the pool': ({ pool }) => pool.query('SELECT 1'),
};

const AWAY: Readonly<Record<string, () => Promise<Database>>> = {
  'refuses connections': async () => open(at((url) => Object.assign(url, { port: '1' }))),
  'resets them': async () => open(await impostor((socket) => socket.resetAndDestroy())),
  'ends them': async () => open(await impostor((socket) => socket.end())),
  'says nothing': async () => open(await impostor(() => undefined)),
  'knows another password': async () => open(at((url) => Object.assign(url, { password: 'another' }))),
  'has no such database': async () => open(at((url) => Object.assign(url, { pathname: '/another' }))),
};

async function outageOf(work: Promise<unknown>): Promise<boolean> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) throw new Error('nothing went wrong');
  return isDatabaseOutage(error);
}

test.each(Object.keys(AWAY))('a server that %s is an outage, whatever asks', async (how) => {
  const asked = Object.entries(WAYS).map(async ([way, ask]) => {
    const database = await AWAY[how]?.();
    return [way, database && (await outageOf(ask(database)))];
  });
  expect(await Promise.all(asked)).toEqual(Object.keys(WAYS).map((way) => [way, true]));
});

test('a server that lets in and says nothing more is one within seconds, however long a statement may take', async () => {
  const database = open(await impostor(deafOnceIn), 3, 30_000);
  const began = performance.now();
  const asked = Object.entries(WAYS).map(async ([way, ask]) => [way, await outageOf(ask(database))]);
  expect(await Promise.all(asked)).toEqual(Object.keys(WAYS).map((way) => [way, true]));
  expect(performance.now() - began).toBeLessThan(15_000);
});

test('no connection left in the pool is an outage, whatever asks', async () => {
  const database = open(undefined, 1);
  const taken = await database.pool.connect();
  const asked = Object.entries(WAYS).map(async ([way, ask]) => [way, await outageOf(ask(database))]);
  expect(await Promise.all(asked)).toEqual(Object.keys(WAYS).map((way) => [way, true]));
  taken.release();
});

test('a statement or a transaction that takes too long is one', async () => {
  const { prisma } = open();
  const [statement, whole] = await Promise.all([
    outageOf(prisma.$queryRaw`SELECT 1 AS slept FROM pg_sleep(2)`),
    outageOf(
      prisma.$transaction(async (transaction) => {
        await delay(1_000);
        await transaction.user.findFirst();
      }),
    ),
  ]);
  expect([statement, whole]).toEqual([true, true]);
});

test('a connection that is ended in the middle is one', async () => {
  const { prisma } = open();
  expect(await outageOf(prisma.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())::text`)).toBe(true);
});

test('of two that wait for each other one is told to try again', async () => {
  const database = openDatabase({ url: stores.database.webUrl, poolSize: 2 }); // deadlocks are looked for after a second
  opened.push(database);
  const { prisma } = database;
  const held: number[] = [];
  const both = (first: number, second: number) =>
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`UPDATE pair SET n = n + 1 WHERE id = ${first}`;
      held.push(first);
      await until(() => held.includes(second));
      await transaction.$executeRaw`UPDATE pair SET n = n + 1 WHERE id = ${second}`;
    });
  const settled = await Promise.allSettled([both(1, 2), both(2, 1)]);
  const failed = settled.flatMap((one) => (one.status === 'rejected' ? [isDatabaseOutage(one.reason)] : []));
  expect(failed).toEqual([true]);
});

describe('of two transactions that wait for each other, the one that PostgreSQL undoes', () => {
  const raise = (state: string) => `DO $$ BEGIN RAISE 'no' USING ERRCODE = '${state}'; END $$`;

  test.each(['a raw query', 'a model'])(
    'begins again, and what comes after the commit is done once: %s',
    async (way) => {
      const people = [await newMember(), await newMember()];
      const nudged: string[] = [];
      const url = stores.database.webUrl;
      const database = openDatabase({ url, poolSize: 2, nudge: (job) => nudged.push(job) });
      opened.push(database);
      const runs: number[] = [];
      const held: number[] = [];
      const done: number[] = [];
      const change = (transaction: Transaction, one: number) =>
        way === 'a model'
          ? transaction.user.update({ where: { id: people[one]?.id ?? '' }, data: { version: { increment: 1 } } })
          : transaction.$executeRaw`UPDATE pair SET n = n + 1 WHERE id = ${one + 1}`;
      const both = (first: number, second: number) =>
        database.transact(async (transaction) => {
          runs.push(first);
          nudgeAfterCommit(transaction, 'seal-events');
          afterCommit(transaction, async () => done.push(first));
          await change(transaction, first);
          held.push(first);
          await until(() => held.includes(second));
          await change(transaction, second);
          return first;
        });
      expect(await Promise.all([both(0, 1), both(1, 0)])).toEqual([0, 1]);
      expect([runs.length, done.toSorted(), nudged]).toEqual([3, [0, 1], ['seal-events', 'seal-events']]);
    },
  );

  test.each([
    ['40P01', 3, true],
    ['40001', 3, true],
    ['55P03', 1, true],
    ['P0001', 1, false],
  ] as const)('does so thrice in all: what is undone by %s runs %i times', async (state, times, outage) => {
    let runs = 0;
    const failing = open().transact((transaction) => {
      runs += 1;
      return transaction.$executeRawUnsafe(raise(state));
    });
    expect([await outageOf(failing), runs]).toEqual([outage, times]);
  });

  test('is not said to be away by a command', async () => {
    const error: unknown = await open()
      .pool.query(raise('40P01'))
      .catch((thrown: unknown) => thrown);
    expect(await sentenceOf(error)).toMatch(/^Somebody else changed the same at that moment/);
  });
});

describe('what PostgreSQL says', () => {
  const raised = (state: string) =>
    outageOf(open().prisma.$executeRawUnsafe(`DO $$ BEGIN RAISE 'no' USING ERRCODE = '${state}'; END $$`));

  test.each(['40001', '40P01', '53100', '53200', '53300', '57P01', '57P03', '58030', '55P03', '25006', '08006'])(
    '%s is an outage',
    async (state) => expect(await raised(state)).toBe(true),
  );

  test.each(['23505', '23503', '22P02', '42501', '42P01', 'XX000', 'P0001'])('%s is none', async (state) =>
    expect(await raised(state)).toBe(false),
  );
});

test('a form that met one gets the page with 503, and when to try again; the next try is answered', async () => {
  const someone = new Browser(web.url);
  const token = await someone.token('/forgot-password');
  const email = newEmail();
  const ask = () => someone.agent.post('/forgot-password').redirects(0).type('form').send({ email, _csrf: token });
  const { pool } = web.context.database;
  const taken = [await pool.connect(), await pool.connect()];
  const answer = await ask();
  for (const client of taken) client.release();
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '10']);
  expect(answer.text).toContain('<html lang="en">');
  expect(await query(stores.database.superuserUrl, 'SELECT id FROM token')).toEqual([]);
  expect((await ask()).status).toBe(303);
});
