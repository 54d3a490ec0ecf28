// Places and marks: real log-ins from addresses behind a proxy, sealed by the worker with a file of places, at moments that the
// test chooses; what the log proves of them, what pages and mails say, and what goes with the account.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { COUNTRIES, LISBON, NETWORKS, PARIS_6, PORTO, TOKYO } from '../../harness/places.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { described, filterOf } from '../../src/core/audit/reading/described.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { readLogInsOf } from '../../src/core/unusual/habit-rows.ts';
import { type Browser, newEmail, openWorker } from '../support/app.ts';
import { startMailSite } from '../support/mail-site.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0';
const OTHER_FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0';
const CURL = 'curl/8.5.0';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-places-'));
const countries = path.join(folder, 'countries.mmdb');
const networks = path.join(folder, 'networks.mmdb');
await writeFile(countries, COUNTRIES);
await writeFile(networks, NETWORKS);
afterAll(() => rm(folder, { recursive: true }));

const site = await startMailSite({
  REGISTRATION: 'open',
  TRUSTED_PROXIES: '127.0.0.1',
  GEOIP_FILES: `${countries},${networks}`,
});
const { worker, sql } = site;

interface Visit {
  readonly from: string;
  readonly userAgent?: string;
  readonly at?: number;
}

/** What waits in the outbox happened then: the worker judges by that. */
async function sealAt(at: number): Promise<void> {
  await sql(`UPDATE outbox SET event = event || jsonb_build_object('occurredAt', $1::text)`, [
    new Date(at).toISOString(),
  ]);
  await worker.sealing.seal();
}

function browserFrom({ from, userAgent = FIREFOX }: Visit): Browser {
  const browser = site.browser();
  browser.agent.set('X-Forwarded-For', from);
  browser.agent.set('User-Agent', userAgent);
  return browser;
}

interface Sealed {
  readonly seq: number;
  readonly place: unknown;
  readonly unusual: unknown;
}

async function newestOf(person: string, type: string): Promise<Sealed> {
  const { events } = await worker.auditLog.page({ ...EVERY_EVENT, person, types: [type] }, null, 1);
  const [event] = events;
  if (!event) throw new Error(`no ${type}`);
  return { seq: event.seq, place: event.place ? JSON.parse(event.place) : null, unusual: event.detail['unusual'] };
}

/** Somebody who registered from Lisbon. */
async function somebody() {
  const email = newEmail();
  const start = Date.parse('2026-11-01T09:00:00Z');
  const browser = browserFrom({ from: LISBON });
  expect((await browser.register(email)).status).toBe(303);
  await sealAt(start);
  const [{ id } = { id: '' }] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
  const logIn = async (afterMs: number, visit: Visit) => {
    const visitor = browserFrom(visit);
    expect((await visitor.logIn(email)).status).toBe(303);
    await sealAt(start + afterMs);
    return { visitor, ...(await newestOf(id, 'authn_login_success')) };
  };
  return { email, id, browser, start, logIn };
}

test('a log-in like those before has a place and no mark; one from elsewhere has marks with their reasons', async () => {
  const { logIn } = await somebody();
  const home = await logIn(DAY, { from: PORTO, userAgent: OTHER_FIREFOX });
  expect(home).toMatchObject({ place: { country: 'PT', city: 'Lisbon', network: 3_243, owner: 'Meo' } });
  expect([home.unusual, Object.keys(home.place as object)]).toEqual([
    undefined,
    ['city', 'country', 'network', 'owner'],
  ]);

  const away = await logIn(DAY + HOUR, { from: TOKYO, userAgent: CURL });
  expect(away.unusual).toBe('country network browser speed');
  expect(away.place).toMatchObject({
    country: 'JP',
    usual: { countries: ['PT'], networks: [3_243], browsers: ['Firefox'], from: 'PT', minutes: 60 },
  });
  // By then both are usual.
  expect((await logIn(9 * DAY, { from: TOKYO, userAgent: CURL })).unusual).toBeUndefined();
});

test('the first log-in marks nothing, also of an account that nobody registered', async () => {
  const { logIn, id } = await somebody();
  await sql('DELETE FROM login_habit WHERE user_id = $1', [id]);
  expect(await logIn(HOUR, { from: TOKYO })).toMatchObject({ unusual: undefined, place: { country: 'JP' } });
});

test('who has no habits yet has those of the log-ins in the log, of a version before this one too', async () => {
  const { logIn, id } = await somebody();
  await logIn(DAY, { from: LISBON });
  await sql('DELETE FROM login_habit WHERE user_id = $1', [id]);
  const [{ habits } = { habits: null }] = (await logIn(30 * DAY, { from: PARIS_6 })) && (await habitsOf(id));
  expect(await newestOf(id, 'authn_login_success')).toMatchObject({
    unusual: 'country network',
    place: { country: 'FR' },
  });
  expect(habits).toMatchObject({ logins: 2, countries: { PT: [1, '2026-11-02'], FR: [1, '2026-12-01'] } });
});

test('that look at the log keeps no plan, which could be of a month that was empty', async () => {
  const { id } = await somebody();
  const client = await worker.database.pool.connect();
  try {
    await readLogInsOf(client, [id]);
    const { rows } = await client.query<{ name: string }>(
      `SELECT name FROM pg_prepared_statements WHERE statement LIKE '%authn_login_success%'`,
    );
    expect(rows).toEqual([]);
  } finally {
    client.release();
  }
});

const habitsOf = (id: string) => sql<{ habits: unknown }>('SELECT habits FROM login_habit WHERE user_id = $1', [id]);

test('an address without a place marks nothing, and one written in another way is the same address', async () => {
  const { logIn } = await somebody();
  for (const from of ['192.168.1.7', '10.0.0.1', 'fd00::1', '203.0.113.7', '8.8.8.8'])
    expect([from, await logIn(DAY, { from })]).toMatchObject([from, { place: null, unusual: undefined }]);
  expect(await logIn(2 * DAY, { from: `::ffff:${LISBON}` })).toMatchObject({
    unusual: undefined,
    place: { country: 'PT' },
  });
  expect(await logIn(20 * DAY, { from: PARIS_6 })).toMatchObject({
    unusual: 'country network',
    place: { owner: 'Free SAS' },
  });
});

test('a strange hour, after twenty log-ins on ten days', async () => {
  const { logIn, id } = await somebody();
  const days = Array.from({ length: 10 }, (_, day) => `2026-10-${10 + day}`);
  const habits = {
    ...{ logins: 25, days: [10, days.at(-1)], countries: { PT: [10, days.at(-1)] } },
    ...{
      networks: {},
      browsers: {},
      last: null,
      hours: Array.from({ length: 24 }, (_, hour) => (hour === 9 ? 25 : 0)),
    },
  };
  await sql('UPDATE login_habit SET habits = $2 WHERE user_id = $1', [id, JSON.stringify(habits)]);
  expect((await logIn(11 * HOUR, { from: LISBON })).unusual).toBe('hour'); // at 20:00
  expect((await logIn(DAY + 12 * HOUR, { from: LISBON })).unusual).toBeUndefined();
});

test('the right password alone is judged, teaches nothing, and a wrong one has a place', async () => {
  const { email, id, browser } = await somebody();
  const { enrol } = await import('../support/factors.ts');
  await enrol(browser);
  expect((await browserFrom({ from: TOKYO }).logIn(email)).headers['location']).toBe('/login/second-factor');
  await sealAt(Date.now());
  expect(await newestOf(id, 'authn_second_factor_asked')).toMatchObject({ unusual: 'country network' });
  await browserFrom({ from: TOKYO }).logIn(email);
  await sealAt(Date.now());
  expect(await newestOf(id, 'authn_second_factor_asked')).toMatchObject({ unusual: 'country network' });
  await browserFrom({ from: TOKYO }).logIn(email, 'not the password');
  await sealAt(Date.now());
  expect(await newestOf(id, 'authn_login_fail')).toMatchObject({ unusual: undefined, place: { country: 'JP' } });
});

test('the log proves places and marks, and finds one that was altered, put in or taken away', async () => {
  const { logIn, id } = await somebody();
  const { seq } = await logIn(DAY, { from: TOKYO });
  expect(await worker.verification.verify()).toMatchObject({ intact: true });
  const as = (change: string, undo: string) => async () => {
    await sql(`SET session_replication_role = replica; UPDATE audit_event SET ${change} WHERE seq = ${seq}`);
    const found = await worker.verification.verify();
    await sql(`SET session_replication_role = replica; UPDATE audit_event SET ${undo} WHERE seq = ${seq}`);
    return found;
  };
  const [{ place } = { place: '' }] = await sql<{ place: string }>(`SELECT place FROM audit_event WHERE seq = ${seq}`);
  const undo = `place = '${place}'`;
  expect(place).toContain('"JP"');
  for (const change of [`place = replace(place, 'JP', 'PT')`, 'place = NULL'])
    expect(await as(change, undo)()).toMatchObject({
      intact: false,
      seq,
      problem: `event ${seq} was altered: its place`,
    });
  const marked = `detail = detail - 'unusual'`;
  const unmark = `detail = detail || '{"unusual": "country network speed"}'`;
  expect((await newestOf(id, 'authn_login_success')).unusual).toBe('country network');
  expect(await as(marked, unmark.replace(' speed', ''))()).toMatchObject({ intact: false, seq });
  expect(await worker.verification.verify()).toMatchObject({ intact: true });
  // An event that had none gets none.
  const [{ none } = { none: 0 }] = await sql<{ none: string }>(
    'SELECT min(seq) AS none FROM audit_event WHERE place IS NULL',
  );
  const put = (value: string) =>
    sql(`SET session_replication_role = replica; UPDATE audit_event SET place = ${value} WHERE seq = ${none}`);
  await put(`'${place}'`);
  expect(await worker.verification.verify()).toMatchObject({ intact: false, seq: Number(none) });
  await put('NULL');
  expect(await worker.verification.verify()).toMatchObject({ intact: true });
});

test('places and habits go with the account, also those of a log-in that waits, and the log still proves itself', async () => {
  const { logIn, id, email } = await somebody();
  const { visitor } = await logIn(DAY, { from: TOKYO });
  expect((await browserFrom({ from: PARIS_6 }).logIn(email)).status).toBe(303); // not sealed yet
  const sent = await visitor.submit('/account/delete', { understood: 'on' });
  expect(sent.status).toBe(303);
  await sealAt(Date.now());
  expect(await habitsOf(id)).toEqual([]);
  expect(
    await sql('SELECT FROM audit_event WHERE actor_id = $1 AND (place IS NOT NULL OR ip IS NOT NULL)', [id]),
  ).toEqual([]);
  expect(await sql(`SELECT FROM audit_event WHERE actor_id = $1 AND detail ? 'unusual'`, [id])).toHaveLength(1);
  expect(await worker.verification.verify()).toMatchObject({ intact: true });
});

test('its owner has it in their export, and sees it in Activity and Sessions, in both languages', async () => {
  const { logIn } = await somebody();
  const { visitor } = await logIn(DAY, { from: TOKYO });
  for (const page of ['/account/activity', '/account/sessions']) {
    const { text } = await visitor.get(page);
    expect(text).toContain('probably Japan, network of GIGAINFRA Softbank BB Corp. (AS17676)');
    expect(text).toContain('unusual: new country, new network');
  }
  await visitor.submit('/language', { language: 'de' }, '/profile');
  const { text } = await visitor.get('/account/sessions');
  expect(text).toContain('vermutlich Japan, Netz von GIGAINFRA Softbank BB Corp. (AS17676)');
  expect(text).toContain('ungewöhnlich: neues Land, neues Netz');
  expect(text).toContain('nach der IP-Adresse geschätzt');
  const exported = await visitor.agent
    .post('/account/data')
    .type('form')
    .send({ _csrf: await visitor.token('/account/data') });
  expect(JSON.stringify(exported.body) + exported.text).toContain('"usualLogIns"');
});

test('an operator filters by it, and an event says why', async () => {
  const { logIn, id, email } = await somebody();
  const usual = await logIn(DAY, { from: LISBON });
  const { seq } = await logIn(DAY + HOUR, { from: TOKYO });
  const { email: boss, member: operator, userId } = await site.registered();
  await site.web.context.users.setRole(userId, 'operator', { actor: null, origin: NO_ORIGIN });
  await operator.logIn(boss);
  const list = (await operator.get(`/operator/audit?unusual=yes&person=${id}`)).text;
  expect(list).toContain(`id="event-${seq}"`);
  expect(list).not.toContain(`id="event-${usual.seq}"`);
  expect(list).toContain('new country, new network, too far from the log-in before');
  expect((await operator.get('/operator/audit?unusual=perhaps')).status).toBe(422);
  const all = (await operator.get(`/operator/audit?person=${id}`)).text;
  expect(all).toContain(`href="/operator/audit?person=${id}&amp;unusual=yes">unusual log-ins</a>`);
  const event = (await operator.get(`/operator/audit/${seq}`)).text;
  expect(event).toContain('new country: until then Portugal');
  expect(event).toContain('new network: until then AS3243');
  expect(event).toMatch(/too far from the log-in before: at least [\d,]+ km from Portugal in 60 minutes/);
  expect(event).toContain('a guess by the IP address');
  const person = (await operator.get(`/operator/users/${id}`)).text;
  expect(person).toContain('Unusual: new country, new network');
  expect(person).toContain(email);
  const filter = { ...EVERY_EVENT, unusual: true, person: id } as const;
  expect((await worker.auditLog.count(filter))?.events).toBe(1);
  expect(filterOf(described(filter))).toEqual(filter); // as a signed export keeps it
});

test('the mail about a new browser says country and marks, though nothing was sealed yet', async () => {
  const { email } = await somebody();
  await browserFrom({ from: TOKYO, userAgent: CURL }).logIn(email);
  await site.linkTo(email);
  const { email: mail } = await site.server.mailTo(email);
  expect(mail.text).toContain(`from the IP address ${TOKYO} (Japan, a guess by the address)`);
  expect(mail.text).toContain('Unusual for your account: a new country; a new network; a new kind of browser');
  expect(mail.text).not.toContain('Softbank'); // the file's words: a mail program could make a link of them
});

test('without a file there are no places, and browsers are judged all the same', async () => {
  const { id, email } = await somebody();
  const other = await openWorker(site.stores);
  await browserFrom({ from: TOKYO, userAgent: CURL }).logIn(email);
  await other.sealing.seal();
  await other.close();
  expect(await newestOf(id, 'authn_login_success')).toMatchObject({
    place: { usual: { browsers: ['Firefox'] } },
    unusual: 'browser',
  });
});

test('a worker that can’t read habits seals all the same, without marks, and says so', async () => {
  const { id, email } = await somebody();
  const other = await openWorker(site.stores, { GEOIP_FILES: countries });
  await sql('ALTER TABLE login_habit RENAME TO login_habit_away');
  try {
    await browserFrom({ from: TOKYO }).logIn(email);
    expect(await other.sealing.seal()).toBeGreaterThan(0);
  } finally {
    await sql('ALTER TABLE login_habit_away RENAME TO login_habit');
    await other.close();
  }
  expect(await newestOf(id, 'authn_login_success')).toMatchObject({ place: null, unusual: undefined });
  expect(await worker.verification.verify()).toMatchObject({ intact: true });
});
