// Passwords from breaches, asked for by range at a service: a real HTTP server here, which answers well, slowly, wrongly or not.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Browser, newEmail, openWorker, PASSWORD, startWeb } from '../support/app.ts';
import { fieldError } from '../support/page.ts';
import { world } from '../support/world.ts';

const BREACHED = 'a password from a breach';
const GOOD = 'a password that nobody lost';
const SENTENCE = 'This password has come out in a breach of some other service. Choose another.';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

let asked: IncomingMessage[] = [];
let answer: Answer;

const digits = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();
const line = (password: string, count: number) => `${digits(password).slice(5)}:${count}`;
const PADDING = [`${'0'.repeat(34)}A:0`, `${'F'.repeat(35)}:0`];
const lines =
  (...own: string[]): Answer =>
  (response) =>
    response.end([...PADDING, ...own].join('\r\n'));

const service = createServer((request, response) => {
  asked.push(request);
  answer(response, request);
});
await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
const { port } = service.address() as AddressInfo;
const ENV = {
  BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range/`,
  SMTP_URL: 'smtp://127.0.0.1:1',
  REGISTRATION: 'open',
};
const { stores, web, sql } = await world({ webs: [ENV], watched: true });

afterAll(() => {
  service.closeAllConnections();
  service.close();
});

beforeEach(() => {
  asked = [];
  answer = lines(line(BREACHED, 3), line(GOOD, 0));
});

const failures = async () => {
  const rows = await sql<{ reason: string }>(
    `SELECT event->'detail'->>'reason' AS reason FROM outbox WHERE event->>'type' = 'authn_password_unchecked' ORDER BY id`,
  );
  return rows.map(({ reason }) => reason);
};
const counted = async (outcome: string) => {
  const text = await web.context.metrics.registry.metrics();
  return Number(new RegExp(`holdfast_breach_checks_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
};

describe('a password that the service knows', () => {
  test('is refused beside its field, and the service learns five digits and nothing else', async () => {
    const email = newEmail();
    const refused = await new Browser(web.url).register(email, BREACHED);
    expect([refused.status, fieldError(refused.text, 'password')]).toEqual([422, SENTENCE]);
    expect(await web.context.users.findByEmail(email)).toBeNull();
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET /range/${digits(BREACHED).slice(0, 5)}`]);
    const [request] = asked;
    expect(request?.headers['add-padding']).toBe('true');
    expect(JSON.stringify(request?.rawHeaders)).not.toContain(email);
    expect(await counted('found')).toBe(1);
    expect(await failures()).toEqual([]);
  });

  test('is refused wherever a password is chosen, and what was to change does not', async () => {
    const email = newEmail();
    const member = new Browser(web.url);
    await member.register(email);
    const change = await member.submit('/account/password', { current: PASSWORD, password: BREACHED });
    expect([change.status, fieldError(change.text, 'password')]).toEqual([422, SENTENCE]);

    const user = await web.context.users.findByEmail(email);
    const by = { actor: null, origin: { ip: null, userAgent: null, requestId: null } };
    const secret = await web.context.resetLinks.reveal(user?.id ?? '', by);
    const someone = new Browser(web.url);
    await someone.get(`/reset-password?token=${secret}`);
    const reset = await someone.submit('/reset-password', { password: BREACHED });
    expect([reset.status, fieldError(reset.text, 'password')]).toEqual([422, SENTENCE]);

    const told = { language: 'en', from: { at: '', device: '', ip: null } } as const;
    const invited = await web.context.invitations.invite(newEmail(), told, by, { reveal: true });
    await someone.get(`/invitation?token=${invited.ok ? invited.secret : ''}`);
    const accepted = await someone.submit('/invitation', { password: BREACHED });
    expect([accepted.status, fieldError(accepted.text, 'password')]).toEqual([422, SENTENCE]);

    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
    expect((await someone.submit('/reset-password', { password: GOOD })).status).toBe(303); // the link still counts
  });

  test('is refused in `verify` before anything depends on the address', async () => {
    const origin = { ip: '203.0.113.4', userAgent: null, requestId: 'verify' };
    const told = { language: 'en', from: { at: '', device: '', ip: null } } as const;
    const wanted = { email: newEmail(), password: BREACHED, browser: '', origin, told };
    const result = await web.context.verifiedRegistration.ask(wanted);
    expect(result).toEqual({ ok: false, reason: 'bad_password', problem: 'breached' });
    expect(await sql('SELECT id FROM registration WHERE email = $1', [wanted.email])).toEqual([]);
  });

  test('and the block of a client that tries on in `verify` is recorded, so that it can be seen and lifted', async () => {
    const strict = await startWeb(stores, {
      BREACHED_PASSWORDS_URL: web.config.breachedPasswordsUrl ?? '',
      THROTTLE_REGISTER: '1/5/1h',
    });
    const origin = { ip: '203.0.113.5', userAgent: null, requestId: null };
    const told = { language: 'en', from: { at: '', device: '', ip: null } } as const;
    for (let times = 0; times < 2; times += 1)
      await strict.context.verifiedRegistration.ask({
        email: newEmail(),
        password: BREACHED,
        browser: '',
        origin,
        told,
      });
    await strict.close();
    const blocks = await sql(
      `SELECT event->'detail'->>'scope' AS scope FROM outbox WHERE block IS NOT NULL AND event->>'ip' = $1`,
      [origin.ip],
    );
    expect(blocks).toEqual([{ scope: 'register' }]);
  });

  test('costs no try of the current password, however often it is chosen', async () => {
    const strict = await startWeb(stores, {
      BREACHED_PASSWORDS_URL: web.config.breachedPasswordsUrl ?? '',
      THROTTLE_PASSWORD_CHANGE: '2/2/1h',
    });
    const member = new Browser(strict.url);
    await member.register(newEmail());
    const change = () => member.submit('/account/password', { current: PASSWORD, password: BREACHED });
    const statuses = [];
    for (let times = 0; times < 4; times += 1) statuses.push((await change()).status);
    await strict.close();
    expect(statuses).toEqual([422, 422, 422, 422]);
  });
});

describe('a password is taken', () => {
  const register = async () => (await new Browser(web.url).register(newEmail(), GOOD)).status;

  test('that the service does not know: a line of padding counts nothing', async () => {
    const before = [await counted('not_found'), (await failures()).length];
    expect(await register()).toBe(303);
    answer = lines();
    expect(await register()).toBe(303);
    answer = (response) => response.end('');
    expect(await register()).toBe(303);
    expect([await counted('not_found'), (await failures()).length]).toEqual([(before[0] ?? 0) + 3, before[1]]);
  });

  test('though digits are small and lines end as on Unix', async () => {
    answer = (response) => response.end(`${line(GOOD, 12).toLowerCase()}\n`);
    expect(await register()).toBe(422);
  });

  test.each<[string, string, Answer]>([
    ['answers 500', 'status_500', (response) => response.writeHead(500).end('no')],
    ['has no such page', 'status_404', (response) => response.writeHead(404).end()],
    ['leads elsewhere', 'unreachable', (response) => response.writeHead(302, { location: '/range/other' }).end()],
    ['answers with a page', 'malformed', (response) => response.end('<html>sign in to the network</html>')],
    ['has one line that makes no sense', 'malformed', lines(line(BREACHED, 3), 'x')],
    ['never stops', 'too_large', (response) => void endless(response)],
    ['breaks off', 'unreachable', (response) => void response.write('0', () => response.destroy())],
    ['says nothing', 'timeout', () => undefined],
    ['stops in the middle', 'timeout', (response) => void response.write(`${PADDING[0]}\r\n`)],
  ])('when it %s, and that is recorded', async (_, reason, given) => {
    answer = given;
    const before = [await counted('failed'), (await failures()).length] as const;
    const began = performance.now();
    expect(await register()).toBe(303);
    expect(performance.now() - began).toBeLessThan(4_000);
    expect((await failures()).slice(before[1])).toEqual([reason]);
    expect(await counted('failed')).toBe(before[0] + 1);
  });

  test('when nothing is there, also by the command that makes accounts', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const worker = await openWorker(stores, { BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range` });
    const setting = { userId: null, origin: { ip: null, userAgent: null, requestId: null } };
    expect(await worker.breachedPasswords.has(BREACHED, setting)).toBe(false);
    await worker.close();
    expect((await failures()).at(-1)).toBe('unreachable');
  });

  test('without a service, which is the default: nobody is asked', async () => {
    const bare = await startWeb(stores, { REGISTRATION: 'open' });
    expect((await new Browser(bare.url).register(newEmail(), BREACHED)).status).toBe(303);
    await bare.close();
    expect(asked).toEqual([]);
  });
});

test('what the throttle or the form refuses never reaches the service', async () => {
  const strict = await startWeb(stores, {
    BREACHED_PASSWORDS_URL: web.config.breachedPasswordsUrl ?? '',
    THROTTLE_REGISTER: '1/1/1h',
  });
  const browser = new Browser(strict.url);
  await browser.register(newEmail(), 'short');
  await browser.register('nobody', BREACHED);
  expect((await browser.register(newEmail(), BREACHED)).status).toBe(429); // this client has registered before
  await strict.close();
  expect(asked).toEqual([]);
});

function endless(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(`${PADDING[0]}\r\n`.repeat(500)));
  };
  response.on('drain', more).on('error', () => undefined);
  more();
}
