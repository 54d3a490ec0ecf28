// People who are unknown here and whom the system that they come from is asked about: a real server, which answers yes, no, late,
// wrongly, or not.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { makeCertificate } from '../../harness/certificate.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createAskOldSystem } from '../../src/core/moving/old-system/ask.ts';
import type { Log } from '../../src/core/platform/log.ts';
import { createMetrics } from '../../src/core/platform/metrics.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { Browser, newEmail } from '../support/app.ts';
import { type Answer, type Asked, externalId, json, status, text, WORD, yes } from '../support/old-system-answers.ts';
import { world } from '../support/world.ts';

const SECRET = 'by-this-the-old-system-knows-who-asks';
const BY = { actor: null, origin: NO_ORIGIN };

let asked: Asked[] = [];
let answer: Answer;

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let sent = '';
  for await (const chunk of request) sent += chunk;
  const { method, url } = request;
  const one = { method, url, authorization: request.headers.authorization, body: JSON.parse(sent || 'null') };
  asked.push(one);
  answer(response, one);
}

const oldSystem = createServer(serve);
await new Promise<void>((resolve) => oldSystem.listen(0, '127.0.0.1', resolve));
oldSystem.unref();
const url = `http://127.0.0.1:${(oldSystem.address() as AddressInfo).port}/verify?from=here`;
const ENV = { IMPORT_VERIFY_URL: url, IMPORT_VERIFY_SECRET: SECRET, REGISTRATION: 'closed' };
const { web, other, worker, sql, startWeb, atEnd } = await world({ webs: [ENV, ENV], worker: true, watched: true });
atEnd(() => {
  oldSystem.closeAllConnections();
  oldSystem.close();
});

beforeEach(() => {
  asked = [];
  answer = yes();
});

const logIn = (email: string, password = WORD, at = web.url) => new Browser(at).logIn(email, password);
const accountOf = (email: string) => web.context.users.findByEmail(email);

async function counted(outcome: string): Promise<number> {
  const scraped = await web.context.metrics.registry.metrics();
  return Number(new RegExp(`old_system_answers_total\\{outcome="${outcome}"\\} (\\d+)`).exec(scraped)?.[1] ?? 0);
}

/** Why the last log-in failed. */
async function lastReason(): Promise<string | undefined> {
  await worker.sealing.seal();
  const [row] = await sql<{ reason: string }>(
    "SELECT detail->>'reason' AS reason FROM audit_event WHERE type = 'authn_login_fail' ORDER BY seq DESC LIMIT 1",
  );
  return row?.reason;
}

describe('somebody whom the old system knows', () => {
  test('is logged in, lives here from then on, and is asked about once', async () => {
    const group = await web.context.groups.create('Staff', BY);
    expect(group.ok).toBe(true);
    const email = newEmail();
    const fields = { externalId: externalId(), locale: 'de-AT', created_at: '2020-01-02T03:04:05Z', name: 'Ada' };
    answer = yes({ ...fields, email: email.toUpperCase(), email_verified: true, groups: ['staff', 'Unheard-of'] });
    const browser = new Browser(web.url);
    expect((await browser.logIn(email, WORD)).status).toBe(303);
    expect(await browser.profile()).toBe(200);
    expect(asked).toEqual([
      { method: 'POST', url: '/verify?from=here', authorization: `Bearer ${SECRET}`, body: { email, password: WORD } },
    ]);
    const user = await accountOf(email);
    expect(user).toMatchObject({ role: 'member', language: 'de', externalId: fields.externalId, disabledAt: null });
    expect(user?.createdAt).toEqual(new Date(fields.created_at));
    expect(user?.passwordHash).toMatch(/^\$argon2id\$/);
    const names = await sql<{ name: string }>(
      'SELECT name FROM account_group JOIN group_member ON group_id = id WHERE user_id = $1',
      [user?.id],
    );
    expect(names).toEqual([{ name: 'Staff' }]);
    expect(await sql("SELECT FROM account_group WHERE name_key = 'unheard-of'")).toEqual([]);

    answer = status(401);
    expect((await logIn(email)).status).toBe(303);
    expect((await logIn(email, 'not the password')).status).toBe(401);
    expect(asked).toHaveLength(1);

    await worker.sealing.seal();
    const events = await sql<{ type: string; detail: unknown }>(
      `SELECT type, detail FROM audit_event WHERE subject_id = $1 OR type = 'people_imported' ORDER BY seq`,
      [user?.id],
    );
    expect(events.map(({ type }) => type).slice(0, 5)).toEqual([
      'user_created',
      'people_imported',
      'group_member_added',
      'session_created',
      'authn_login_success',
    ]);
    expect(events[0]?.detail).toMatchObject({ role: 'member', password: 'old_system' });
    expect(events[1]?.detail).toMatchObject({ from: 'old_system', people: 1 });
    for (const table of ['audit_event', 'outbox', 'mail', 'user_account'])
      expect(await sql(`SELECT FROM ${table} AS row WHERE row::text LIKE '%${WORD}%'`)).toEqual([]);
  });

  test('may log in twice at the same instant: one account', async () => {
    const email = newEmail();
    const [one, two] = await Promise.all([logIn(email), logIn(email, WORD, other.url)]);
    expect([one.status, two.status]).toEqual([303, 303]);
    const rows = await sql<{ id: string }>('SELECT id FROM user_account WHERE email_key = $1', [email]);
    expect(rows).toHaveLength(1);
    await worker.sealing.seal();
    const made = "SELECT FROM audit_event WHERE type = 'user_created' AND subject_id = $1";
    expect(await sql(made, [rows[0]?.id])).toHaveLength(1);
  });

  test('keeps a password that the rules of here would refuse', async () => {
    const email = newEmail();
    answer = yes({}, 'abc');
    expect((await logIn(email, 'abc')).status).toBe(303);
    expect((await logIn(email, 'abc')).status).toBe(303);
  });

  test('does not come back once they were deleted here', async () => {
    const email = newEmail();
    expect((await logIn(email)).status).toBe(303);
    const told = { language: 'en', from: { at: '', device: '', ip: null } } as const;
    const userId = (await accountOf(email))?.id ?? '';
    await web.context.accountDeletion.delete({ userId, ...BY, sessionId: null, reason: 'a test', told });
    expect((await logIn(email)).status).toBe(401);
    expect([await accountOf(email), asked.length]).toEqual([null, 2]);
  });

  test('is not let in by an address that is another one’s here', async () => {
    const [here, there] = [newEmail(), newEmail()];
    expect((await logIn(here)).status).toBe(303);
    expect((await logIn(there)).status).toBe(401); // the same id
    expect(await accountOf(there)).toBeNull();
    expect(await lastReason()).toBe('unknown_account');
  });
});

describe('a no', () => {
  test.each<[string, Answer]>([
    ['401', status(401)],
    ['404', status(404)],
    ['blocked there', yes({ blocked: true })],
  ])('is a wrong password: %s', async (_, given) => {
    answer = given;
    const [email, before] = [newEmail(), await counted('no')];
    const refused = await logIn(email);
    const known = await (async () => {
      answer = yes();
      const someone = newEmail();
      await logIn(someone);
      return logIn(someone, 'not the password');
    })();
    const plain = (text: string) => text.replace(/value="[^"]*"|person-\d+-\d+|nonce-?="?[^" ]+"?/g, '');
    expect([refused.status, plain(refused.text)]).toEqual([known.status, plain(known.text)]);
    expect([await accountOf(email), (await counted('no')) - before]).toEqual([null, 1]);
  });

  test('nobody is asked about who has an account here, disabled or not, or whose password could not be kept', async () => {
    const email = newEmail();
    await logIn(email);
    const user = await accountOf(email);
    asked = [];
    await logIn(email, 'another one');
    await web.context.users.setDisabled(user?.id ?? '', true, BY);
    expect((await logIn(email)).status).toBe(401);
    expect((await logIn(newEmail(), 'x'.repeat(257))).status).toBe(401);
    expect((await logIn('no address', WORD)).status).toBe(401);
    expect(asked).toEqual([]);
  });
});

describe('what is no whole and clear yes counts as a wrong password', () => {
  const id = 'old:broken';
  test.each<[string, Answer]>([
    ['500', status(500)],
    ['204', status(204)],
    [
      'a redirect to a yes',
      (response, one) =>
        one.url === '/yes'
          ? json({ externalId: id, email: one.body.email })(response)
          : status(307, { Location: '/yes' })(response),
    ],
    ['no JSON', (response, { body }) => json({ externalId: id, email: body.email }, 'text/html')(response)],
    ['broken JSON', text('{"externalId": "')],
    ['a bare true', text('true')],
    [
      'no UTF-8',
      (response, { body: { email } }) =>
        text(Buffer.from(JSON.stringify({ externalId: id, email, name: 'Renée' }), 'latin1'))(response),
    ],
    ['another address', yes({ email: 'somebody.else@example.org' })],
    ['no id', yes({ externalId: undefined })],
    ['a field that nobody knows', yes({ role: 'operator' })],
    ['a hash', yes({ password_hash: '$2y$04$abcdefghijklmnopqrstuu' })],
    ['more than 64 KiB', yes({ user_metadata: { much: 'x'.repeat(65_536) } })],
    [
      'half an answer',
      (response, { body }) => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '500' });
        response.write(JSON.stringify({ externalId: id, email: body.email }));
        setImmediate(() => response.destroy());
      },
    ],
    ['a hang-up', (response) => void response.destroy()],
    ['silence', () => undefined],
    [
      'a beginning without an end',
      (response, { body }) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.write(JSON.stringify({ externalId: id, email: body.email }));
      },
    ],
  ])('%s', async (_, given) => {
    answer = given;
    const [email, before] = [newEmail(), await counted('failed')];
    expect((await logIn(email)).status).toBe(401);
    expect(asked).toHaveLength(1);
    expect([await accountOf(email), (await counted('failed')) - before]).toEqual([null, 1]);
    expect(await lastReason()).toBe('old_system_silent');
    answer = yes();
    expect((await logIn(email)).status).toBe(303);
  });

  test('nobody there at all', async () => {
    const alone = await startWeb({ ...ENV, IMPORT_VERIFY_URL: 'http://127.0.0.1:1/' });
    expect((await logIn(newEmail(), WORD, alone.url)).status).toBe(401);
  });

  test('is said once a minute, without the person', async () => {
    const lines: unknown[][] = [];
    const log = { warn: (...line: unknown[]) => void lines.push(line) } as unknown as Log;
    const given = { oldSystem: { url, secret: SECRET }, metrics: createMetrics(), now: () => new Date(), log };
    const ask = createAskOldSystem(given);
    answer = status(500);
    for (let times = 0; times < 3; times += 1)
      expect(await ask({ email: 'ada@example.org', password: WORD })).toBe('no_answer');
    expect(lines).toEqual([[{ reason: 'status_500' }, expect.any(String)]]);
    expect(JSON.stringify(lines)).not.toMatch(/ada|pelican|by-this/);
  });
});

test('eight are asked about at once, and a ninth is a wrong password without a question', async () => {
  const waiting: (() => void)[] = [];
  const good = (response: ServerResponse, { body }: Asked) =>
    json({ externalId: externalId(), email: body.email })(response);
  answer = (response, one) => void waiting.push(() => good(response, one));
  const eight = Array.from({ length: 8 }, () => logIn(newEmail()).then((response) => response.status));
  await until(() => waiting.length === 8);
  const late = newEmail();
  expect((await logIn(late)).status).toBe(401);
  expect([asked.length, await counted('busy')]).toEqual([8, 1]);
  for (const go of waiting) go();
  expect(await Promise.all(eight)).toEqual(Array.from({ length: 8 }, () => 303));
  answer = good;
  expect((await logIn(late)).status).toBe(303);
});

test('the throttle is asked first', async () => {
  const strict = await startWeb({ ...ENV, THROTTLE_ACCOUNT_CLIENT: '2/10/1h' });
  const email = newEmail();
  const statuses: number[] = [];
  for (let times = 0; times < 5; times += 1) statuses.push((await logIn(email, `guess ${times}`, strict.url)).status);
  expect(statuses).toEqual([401, 401, 429, 429, 429]);
  expect((await logIn(email, WORD, strict.url)).status).toBe(429);
  expect(asked).toHaveLength(2);
});

test('it is off unless it is set', async () => {
  const plain = await startWeb({ REGISTRATION: 'closed' });
  expect((await logIn(newEmail(), WORD, plain.url)).status).toBe(401);
  expect([asked, plain.context.takeOver]).toEqual([[], null]);
});

test('`check` names the host that gets the passwords, and neither the secret nor the rest of the address', async () => {
  const cli = path.join(projectRoot, 'dist/src/cli/main.js');
  const settings = { DATABASE_URL: 'postgres://a:b@c/d', REDIS_URL: 'redis://e', NODE_ENV: 'test', ...ENV };
  const env = { ...settings, IMPORT_VERIFY_URL: 'https://old.example.org:8443/verify?key=hunter2' };
  const check = async (program: string) =>
    (await promisify(execFile)(process.execPath, [cli, 'check', program], { env })).stdout;
  expect(await check('web')).toMatch(/can be used\.\n.*old\.example\.org:8443 /);
  expect(await check('web')).not.toMatch(/hunter2|by-this/);
  expect(await check('worker')).not.toContain('old.example.org');
});

test('a certificate is checked before the password is sent', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-old-system-'));
  const { certificate, key } = await makeCertificate(folder, ['localhost']);
  const server = createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, serve);
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const safe = `https://localhost:${(server.address() as AddressInfo).port}/verify`;
    const strange = await startWeb({ ...ENV, IMPORT_VERIFY_URL: safe });
    expect((await logIn(newEmail(), WORD, strange.url)).status).toBe(401);
    expect(asked).toEqual([]);
    // Which authorities are believed, Node reads at its start.
    const script = `
      const { createAskOldSystem } = await import(process.argv[1]);
      const ask = createAskOldSystem({ oldSystem: { url: process.argv[2], secret: 'x' }, now: () => new Date(),
        metrics: { countOldSystem() {} }, log: { warn: console.error } });
      console.log(JSON.stringify(await ask({ email: 'ada@example.org', password: ${JSON.stringify(WORD)} })));
      process.exit();`;
    const file = path.join(projectRoot, 'dist/src/core/moving/old-system/ask.js');
    const args = ['--input-type=module', '--eval', script, file, safe];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    expect(JSON.parse(stdout)).toMatchObject({ email: 'ada@example.org', blocked: false });
    expect(asked).toHaveLength(1);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
