// PostgreSQL fails over to a standby that lacked the last second. The loss is certain: the link between the two is held, then
// the standby takes the place of its primary. DESIGN: the row "PostgreSQL fails over and lost its last second".
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type HoldingProxy, startHoldingProxy } from '../../harness/holding-proxy.ts';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { startSessionShards } from '../../harness/session-shards.ts';
import { promote, severalHosts } from '../../harness/standby.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { readPublicKeys, readSigningKey } from '../../src/core/audit/ed25519.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { parseCheckpoints } from '../../src/core/audit/verification/signed-checkpoint.ts';
import type { Context } from '../../src/core/context.ts';
import { epochMark, parseEntry } from '../../src/core/sessions/cache-entry.ts';
import type { Postgres } from '../../src/launcher/servers/postgres.ts';
import { handlers } from '../../worker/handlers.ts';
import { Browser, newEmail, openWorker, PASSWORD, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import { entryOf } from '../support/copies.ts';
import { crowd, each, OUT_WITHIN_MS, statusesOf } from '../support/shared-out.ts';

let servers: OwnServers;
let link: HoldingProxy;
let standby: Postgres;
/** Both hosts: whoever connects finds the one that takes writes. */
let both: TestStores;
/** The port of that one. */
let port: number;
let web: TestProcess;
let other: TestProcess;
let worker: Context;
let redis: Redis;
const opened: { close(): Promise<void> }[] = [];

async function open<Process extends { close(): Promise<void> }>(opening: Promise<Process>): Promise<Process> {
  const process = await opening;
  opened.push(process);
  return process;
}

beforeEach(async () => {
  servers = await startOwnServers();
  link = await startHoldingProxy(servers.postgres());
  standby = await servers.startStandby(link);
  port = servers.postgres().port;
  const hosts = (url: string) => severalHosts(url, [servers.postgres(), standby]);
  const { webUrl, workerUrl } = servers.database;
  both = { ...servers, database: { ...servers.database, webUrl: hosts(webUrl), workerUrl: hosts(workerUrl) } };
  redis = new Redis(servers.redisUrl);
});

afterEach(async () => {
  redis?.disconnect();
  await Promise.all(opened.splice(0).map((process) => process.close()));
  await link?.close();
  await servers?.close();
});

async function person(): Promise<{ browser: Browser; email: string }> {
  const [browser, email] = [new Browser(web.url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  return { browser, email };
}

/** The sealed log as it is goes to the standby, and nothing after it. */
async function holdLink(): Promise<void> {
  await worker.sealing.seal();
  const [written] = await sql<{ at: string }>('SELECT pg_current_wal_flush_lsn() AS at');
  const text = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there';
  await until(
    async () => (await query<{ there: boolean }>(standby.superuserUrl, text, [written?.at]))[0]?.there ?? false,
  );
  link.hold();
}

async function failOver(): Promise<void> {
  await failOverWith(web.context, other.context, worker);
}

async function failOverWith(...processes: readonly Context[]): Promise<void> {
  await servers.postgres().kill();
  await promote(standby);
  port = standby.port;
  await Promise.all(processes.map(waitForStores));
}

function cookieOf({ agent }: Browser): string {
  const jar = agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  return [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
}

async function statuses(cookie: string): Promise<number[]> {
  const answers = await Promise.all(
    [web, other].map((on) => fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' })),
  );
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  return answers.map(({ status }) => status);
}

const at = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(at(servers.database.superuserUrl), text, values);
const sealed = (type: string) =>
  sql<{ detail: Record<string, unknown> }>('SELECT detail FROM audit_event WHERE type = $1', [type]);

/** As the managed services do that refuse to tell, or that restore without a new timeline. */
const UNTOLD = `CREATE OR REPLACE FUNCTION database_timeline() RETURNS text LANGUAGE sql AS 'SELECT NULL'`;

describe.each([
  ['a PostgreSQL that tells its timeline', true],
  ['one that does not', false],
])('%s', (_, tells) => {
  beforeEach(async () => {
    if (!tells) await sql(UNTOLD);
    [web, other, worker] = await Promise.all([open(startWeb(both)), open(startWeb(both)), open(openWorker(both))]);
  });

  test('a session that began in what was lost ends with a change of password, with the others, with the account', async () => {
    const them = await Promise.all([person(), person(), person()]);
    const [stays] = [await person()];
    await holdLink();
    const ghosts = await Promise.all(
      them.map(async ({ email }) => {
        const ghost = new Browser(web.url);
        expect((await ghost.logIn(email)).status).toBe(303);
        return cookieOf(ghost);
      }),
    );
    for (const ghost of ghosts) expect(await statuses(ghost)).toEqual([200, 200]);
    await failOver();

    const [changes, revokes, disabled] = them;
    if (!changes || !revokes || !disabled) throw new Error('nobody registered');
    const passwords = { current: PASSWORD, password: `${PASSWORD} anew` };
    expect((await changes.browser.submit('/account/password', passwords)).status).toBe(303);
    expect((await revokes.browser.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);
    const user = await web.context.users.findByEmail(disabled.email);
    await web.context.users.setDisabled(user?.id ?? '', true, { actor: null, origin: NO_ORIGIN });
    for (const ghost of ghosts) expect(await statuses(ghost)).toEqual([303, 303]);
    expect(await stays.browser.profile()).toBe(200);
    const { epochs } = web.context.sessionCache;
    await until(() => (tells ? (epochs.newest()?.startsWith('2.') ?? false) : epochs.newest() === null));
  });

  test('a log-out that was lost stays one, in both stores, and through a failover of Redis as well', async () => {
    const [leaves, later, stays] = [await person(), await person(), await person()];
    await holdLink();
    const left = cookieOf(leaves.browser);
    expect((await leaves.browser.logOut()).status).toBe(303);
    for (let other = 0; other < 6; other += 1) await (await person()).browser.logOut();
    await worker.sealing.seal();
    const mark = Number(await redis.get('hf:endings'));
    // Eleven minutes without PostgreSQL: the tombstones are gone.
    for (const key of await redis.keys('hf:s:*')) if ((await redis.get(key))?.startsWith('E')) await redis.del(key);
    await failOver();
    // Without a timeline the mark shows it, within a second.
    if (!tells) await until(async () => (await statuses(left)).every((status) => status === 303), OUT_WITHIN_MS);
    expect(await statuses(left)).toEqual([303, 303]);

    if (!tells) await until(() => worker.sessionCache.rewound.stands());
    await handlers['cleanup-sessions'](worker, {});
    expect(await sql('SELECT end_reason FROM session WHERE end_reason IS NOT NULL')).toEqual([
      { end_reason: 'logged_out' },
    ]);
    await worker.sealing.seal();
    expect((await sealed('session_ended')).map(({ detail }) => detail)).toEqual([
      { reason: 'logged_out', after: 'failover' },
    ]);
    expect(await sealed('sys_database_rewound')).toHaveLength(1);

    // The mark is PostgreSQL's again: a Redis that lacks what ended since is found out.
    const [head] = await sql<{ ending_seq: string }>('SELECT ending_seq FROM audit_head');
    expect(Number(head?.ending_seq)).toBeLessThan(mark);
    expect(await redis.get('hf:endings')).toBe(head?.ending_seq);
    expect(await later.browser.profile()).toBe(200);
    const gone = cookieOf(later.browser);
    const before = await redis.dumpBuffer('hf:endings');
    const copies = new Map<string, Buffer>();
    for (const key of await redis.keys('hf:s:*')) copies.set(key, await redis.dumpBuffer(key));
    expect((await later.browser.logOut()).status).toBe(303);
    await worker.sealing.seal();
    const back = redis.multi().restore('hf:endings', 0, before, 'REPLACE');
    for (const [key, value] of copies) back.restore(key, 0, value, 'REPLACE');
    await back.del('hf:journal').exec();
    await until(async () => (await statuses(gone)).every((status) => status === 303), OUT_WITHIN_MS);
    expect(await statuses(left)).toEqual([303, 303]);
    expect(await stays.browser.profile()).toBe(200);
  });
});

test('a process that still reaches the old primary believes it no more, and nobody is logged out by it', async () => {
  [web, worker] = await Promise.all([open(startWeb(servers)), open(openWorker(servers))]);
  const moves = await open(startWeb(both)); // knows the new host as well
  const [stays, leaves] = [await person(), await person()];
  await holdLink();
  await promote(standby);
  port = standby.port;
  other = await open(startWeb(servers, { DATABASE_URL: at(servers.database.webUrl) })); // it alone follows the promotion
  const onOther = (cookie: string) => fetch(`${other.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  const left = cookieOf(leaves.browser);
  expect((await onOther(cookieOf(stays.browser))).status).toBe(200);
  const leaving = new Browser(other.url);
  expect((await leaving.logIn(leaves.email)).status).toBe(303);
  expect((await leaving.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status).toBe(303);

  await until(() => !web.context.sessionCache.health().postgres);
  expect(await stays.browser.profile()).toBe(200); // the copy of the new epoch
  expect((await statuses(left)).includes(200)).toBe(false);
  const moved = new Browser(moves.url);
  await until(() => moves.context.sessionCache.epochs.newest()?.startsWith('2.') ?? false);
  await until(async () => (await moved.logIn(leaves.email)).status === 303);
  expect(await moved.profile()).toBe(200);
  await redis.flushall(); // and the old primary still takes it for live
  expect((await statuses(left)).includes(200)).toBe(false);
  const late = new Browser(web.url);
  const refused = await late.logIn(stays.email);
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, expect.any(String)]);
});

test('what the journal knows waits for a promotion that comes after hours', async () => {
  [web, other, worker] = await Promise.all([open(startWeb(both)), open(startWeb(both)), open(openWorker(both))]);
  const { browser } = await person();
  await handlers['cleanup-sessions'](worker, {});
  await holdLink();
  const left = cookieOf(browser);
  expect((await browser.logOut()).status).toBe(303);
  const known = await redis.zrange('hf:journal', 0, '-1');
  for (const entry of known) await redis.zincrby('hf:journal', -2 * 3_600_000, entry);
  for (const key of await redis.keys('hf:s:*')) if ((await redis.get(key))?.startsWith('E')) await redis.del(key);
  await servers.postgres().kill();
  await expect(handlers['cleanup-sessions'](worker, {})).rejects.toThrow();
  expect(await redis.zrange('hf:journal', 0, '-1')).toEqual(known);
  await promote(standby);
  port = standby.port;
  await Promise.all([web.context, other.context, worker].map(waitForStores));
  expect(await statuses(left)).toEqual([303, 303]);
});

test('an old primary has no row of a session that began on the new one: what reaches it ends no such session and seals nothing', async () => {
  [web, worker] = await Promise.all([open(startWeb(servers)), open(openWorker(servers))]);
  const { email, browser: early } = await person();
  await holdLink();
  await promote(standby);
  await early.logOut();
  port = standby.port;
  other = await open(startWeb(servers, { DATABASE_URL: at(servers.database.webUrl) }));
  const browser = new Browser(other.url);
  expect((await browser.logIn(email)).status).toBe(303);
  await until(() => worker.sessionCache.epochs.newest()?.startsWith('2.') ?? false);
  let name = '';
  for (const key of await redis.keys('hf:s:*'))
    if (parseEntry(await entryOf(redis, key))?.mark === epochMark(worker.sessionCache.epochs.newest() ?? ''))
      name = key.slice('hf:s:'.length);
  await redis.zadd('hf:touched', Date.now(), name);
  await expect(worker.sessionCache.flushTouches()).rejects.toThrow();
  expect(await redis.zscore('hf:touched', name)).not.toBeNull(); // its use is for the new one to write down
  expect(await browser.profile()).toBe(200);
  const mark = await redis.mget('hf:endings', 'hf:epoch');
  // Once a second the connections to it are closed, which is another reason.
  await until(async () => (await worker.sealing.seal().then(String, String)).includes('believed no more'));
  expect(await redis.mget('hf:endings', 'hf:epoch')).toEqual(mark);
});

test('a name that leads to the new primary by now is followed there, although the old one still answers', async () => {
  const place = { port };
  const name = await open(startHoldingProxy(place));
  const DATABASE_URL = name.through(servers.database.webUrl);
  [web, worker] = await Promise.all([open(startWeb(servers, { DATABASE_URL })), open(openWorker(servers))]);
  const { email } = await person();
  await holdLink();
  await promote(standby);
  place.port = port = standby.port;
  other = await open(startWeb(servers, { DATABASE_URL: at(servers.database.webUrl) })); // meets it first
  const connected = 'SELECT FROM pg_stat_activity WHERE usename = $1';
  const { username } = new URL(DATABASE_URL);
  await until(async () => (await query(servers.postgres().superuserUrl, connected, [username])).length === 0);
  await until(async () => (await new Browser(web.url).logIn(email)).status === 303);
});

test('what the log has lost is named as such, from the outside and by the worker, until it is accepted', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-lost-'));
  const file = path.join(folder, 'checkpoints.ndjson');
  const secret = randomBytes(32).toString('hex');
  const signing = { AUDIT_SIGNING_KEY: secret, AUDIT_CHECKPOINT_FILE: file };
  [web, worker] = await Promise.all([open(startWeb(both)), open(openWorker(both, signing))]);
  const keys = readPublicKeys([readSigningKey(secret)?.publicText ?? '']) ?? new Map();
  const verify = () => worker.verification.verify({ keys, checkpoints: parseCheckpoints(readFileSync(file, 'utf8')) });
  try {
    await person();
    await worker.sealing.seal();
    const kept = await worker.checkpoints.write('schedule');
    await holdLink();
    const { browser } = await person();
    await browser.logOut();
    await worker.sealing.seal();
    const gone = await worker.checkpoints.write('schedule');
    if (!kept || !gone) throw new Error('nothing was signed');
    expect(gone.link?.epoch?.name).toBe(web.context.sessionCache.epochs.newest());
    await failOverWith(web.context, worker);
    for (let event = 0; event < 9; event += 1) await person(); // the numbers are given again
    await worker.sealing.seal();

    expect(await verify()).toMatchObject({
      intact: false,
      lost: { from: kept.seq + 1, to: gone.seq },
      problem: expect.stringMatching(
        new RegExp(`^up to ${gone.seq - kept.seq} events .* were lost when PostgreSQL failed over`),
      ),
    });
    await worker.checkpoints.lookBack();
    expect(worker.checkpoints.isAlarmed()).toBe(true);
    expect(await worker.checkpoints.write('schedule')).toBeNull();
    await worker.sealing.seal();
    expect(await sealed('sys_audit_rewound')).toHaveLength(1);
    expect(await sealed('sys_audit_altered')).toEqual([]);

    const elsewhere = [gone];
    await expect(
      worker.checkpoints.acceptLoss('a stranger’s', { elsewhere: [{ ...gone, keyId: 'unknown' }] }),
    ).rejects.toThrow('No known key has signed');
    expect(await worker.checkpoints.acceptLoss('the standby lacked a second', { elsewhere })).toMatchObject({
      ok: true,
      from: gone.seq,
      newest: gone.seq,
    });
    expect(await verify()).toMatchObject({ intact: true, accepted: 1 });
    await worker.sealing.seal();
    expect(await worker.checkpoints.write('schedule')).toMatchObject({ reason: 'schedule' });
    // A log that was rewritten is not taken for a loss: no checkpoint of this epoch may contradict it.
    await sql(
      `SET session_replication_role = replica; UPDATE audit_event SET detail = '{"altered": true}' WHERE seq = ${kept.seq}`,
    );
    expect(await verify()).toMatchObject({ intact: false, problem: `event ${kept.seq} was altered` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('an end of all sessions that was lost still counts, and is given again when the loss is accepted', async () => {
  [web, other, worker] = await Promise.all([open(startWeb(both)), open(startWeb(both)), open(openWorker(both))]);
  const them = await Promise.all([person(), person()]);
  await holdLink();
  const cookies = them.map(({ browser }) => cookieOf(browser));
  await web.context.endAllSessions.ask({ actor: null, origin: NO_ORIGIN, reason: 'a leak', kept: null });
  for (const cookie of cookies) await until(async () => (await statuses(cookie)).every((status) => status === 303));
  await failOver();
  const fresh = await open(startWeb(both)); // knows it from Redis alone
  for (const cookie of cookies) expect(await statuses(cookie)).toEqual([303, 303]);
  for (const cookie of cookies) {
    const answer = await fetch(`${fresh.url}/profile`, { headers: { cookie }, redirect: 'manual' });
    expect(answer.status).toBe(303);
  }
  await handlers['cleanup-sessions'](worker, {});
  expect(await sql('SELECT FROM everybody_ended')).toHaveLength(0);
  expect(await web.context.acceptRewind('the standby lacked a second')).toBe(0);
  await handlers['end-everybody'](worker, {});
  expect(await sql('SELECT FROM session WHERE ended_at IS NULL')).toHaveLength(0);
  const again = new Browser(web.url);
  expect((await again.logIn(them[0]?.email ?? '')).status).toBe(303);
  expect(await again.profile()).toBe(200);
});

test('with three Redis for sessions each tells what was lost, and a process that finds no primary goes on from all three', async () => {
  const shards = await startSessionShards(3);
  const clients = [0, 1, 2].map(shards.client);
  try {
    const apart = { REDIS_SESSION_URLS: shards.list() };
    [web, other, worker] = await Promise.all([
      open(startWeb(both, apart)),
      open(startWeb(both, apart)),
      open(openWorker(both, apart)),
    ]);
    const old = await open(startWeb(servers, apart)); // knows the host of the old primary alone
    const people = await crowd(web, 3, 3);
    expect(await statusesOf(people, old)).toEqual(each(people, 200));
    await holdLink();
    const ghosts = await crowd(web, 3, 1, people[0]?.email);
    const [leave, stay] = [people.filter((_, index) => index % 2), people.filter((_, index) => index % 2 === 0)];
    for (const { browser } of leave) expect((await browser.logOut()).status).toBe(303);
    await worker.sealing.seal();
    expect(await statusesOf(stay, old)).toEqual(each(stay, 200)); // it sees a mark that PostgreSQL is about to lose
    for (const client of clients)
      for (const key of await client.keys('hf:s:*'))
        if ((await client.get(key))?.startsWith('E')) await client.del(key);
    await failOver();
    for (const on of [web, other]) {
      expect(await statusesOf(leave, on)).toEqual(each(leave, 303));
      expect(await statusesOf(ghosts, on)).toEqual(each(ghosts, 303));
      expect(await statusesOf(stay, on)).toEqual(each(stay, 200));
    }
    await until(() => old.context.sessionCache.epochs.newest()?.startsWith('2.') ?? false);
    await until(() => !old.context.sessionCache.health().postgres);
    expect(await statusesOf(stay, old)).toEqual(each(stay, 200));
    expect((await statusesOf(leave, old)).includes(200)).toBe(false);
    await handlers['cleanup-sessions'](worker, {});
    expect(await sql('SELECT end_reason FROM session WHERE end_reason IS NOT NULL')).toHaveLength(leave.length);
    await worker.sealing.seal();
    expect(await sealed('sys_database_rewound')).toHaveLength(1);
  } finally {
    await Promise.all(opened.splice(0).map((process) => process.close()));
    await shards.close();
  }
});
