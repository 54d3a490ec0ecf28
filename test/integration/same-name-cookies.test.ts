// Over HTTP a browser may send another cookie of a name before ours: a parent domain's, an earlier installation's. The first
// that is one of ours counts, wherever it stands.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import Keygrip from 'keygrip';
import { newToken } from '../../src/core/credentials/random-token.ts';
import { Browser, newEmail, PASSWORD, SESSION_COOKIE, setCookie, startWeb } from '../support/app.ts';
import { watchSessionReads, watchStatements } from '../support/asked-stores.ts';
import { enrol, totpCode } from '../support/factors.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const { stores, web, sql } = await world();
const keygrip = new Keygrip([...web.config.sessionKeys], 'sha256', 'base64');

/** A session cookie that this installation signed, and of whose session nothing is left. */
function signedAndGone(): string {
  const token = newToken();
  return `${token}.${keygrip.sign(token)}`;
}

/** Signed with another installation's keys. */
function ofAnother(): string {
  const token = newToken();
  return `${token}.${new Keygrip(['another installation'], 'sha256', 'base64').sign(token)}`;
}

async function loggedIn(email = newEmail()) {
  const browser = new Browser(web.url);
  const answer = await browser.register(email);
  const cookie = (setCookie(answer, SESSION_COOKIE) ?? '').split(';')[0]?.slice(SESSION_COOKIE.length + 1) ?? '';
  return { email, cookie };
}

const named = (...values: string[]) => values.map((value) => `${SESSION_COOKIE}=${value}`).join('; ');

async function ask(path: string, cookie: string, fields?: Readonly<Record<string, string>>) {
  const body = fields && { method: 'POST', body: new URLSearchParams(fields) };
  const answer = await fetch(`${web.url}${path}`, { headers: { cookie }, redirect: 'manual', ...body });
  return { status: answer.status, text: await answer.text(), set: answer.headers.getSetCookie(), answer };
}

/** A browser that sends cookies before its own, whatever it is given. */
class Haunted {
  readonly #before: string;
  readonly #own = new Map<string, string>();

  constructor(before: string) {
    this.#before = before;
  }

  get cookie(): string {
    return [this.#before, ...[...this.#own].map(([name, value]) => `${name}=${value}`)].join('; ');
  }

  async ask(path: string, fields?: Readonly<Record<string, string>>) {
    const asked = await ask(path, this.cookie, fields);
    for (const line of asked.set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.#own.delete(name);
      else this.#own.set(name, value);
    }
    return asked;
  }

  async submit(path: string, fields: Readonly<Record<string, string>>, page = path) {
    const _csrf = fieldValue((await this.ask(page)).text, '_csrf') ?? '';
    return this.ask(path, { ...fields, _csrf });
  }
}

describe('the session', () => {
  test.each([
    ['one that says nothing', () => 'old'],
    ['one without a value', () => ''],
    ['one of another installation', ofAnother],
    ['one of a session that is gone', signedAndGone],
    ['three of those', () => `${signedAndGone()}; ${named(signedAndGone(), 'old')}`],
  ])('is found behind %s, and before it', async (_, other) => {
    const { cookie, email } = await loggedIn();
    for (const both of [named(other(), cookie), named(cookie, other())]) {
      const { status, text } = await ask('/profile', both);
      expect([status, text.includes(email)]).toEqual([200, true]);
    }
  });

  test('is looked for among four at most', async () => {
    const { cookie } = await loggedIn();
    const many = Array.from({ length: 30 }, signedAndGone);
    const read = watchSessionReads(web.context.redis);
    expect((await ask('/profile', named(...many, cookie))).status).toBe(303);
    expect(read.each()).toEqual([4]);
    read.restore();
  });

  test('costs one command, and no SQL, where one other has a good signature', async () => {
    const ended = await loggedIn();
    const out = new Haunted(named(ended.cookie));
    expect((await out.submit('/logout', {}, '/profile')).status).toBe(303);
    const { cookie } = await loggedIn();
    await ask('/profile', named(ended.cookie, cookie));
    const read = watchSessionReads(web.context.redis);
    const asked = watchStatements(web.context.database.pool);
    expect((await ask('/profile', named(ended.cookie, cookie))).status).toBe(200);
    expect(read.each()).toEqual([2]);
    expect(asked.texts()).toEqual([]);
    read.restore();
    asked.restore();
  });

  test('begins and ends beside another cookie that the browser can’t be rid of', async () => {
    const { email } = await loggedIn();
    for (const before of [named('old'), named(ofAnother()), named(signedAndGone())]) {
      const browser = new Haunted(before);
      expect((await browser.ask('/profile')).status).toBe(303);
      expect((await browser.submit('/login', { email, password: PASSWORD })).status).toBe(303);
      expect((await browser.ask('/profile')).text).toContain(email);
      expect((await browser.submit('/logout', {}, '/profile')).status).toBe(303);
      expect((await browser.ask('/profile')).status).toBe(303);
    }
  });

  test('that the other cookie leads to is ended too when its holder logs out', async () => {
    const [stuck, own] = [await loggedIn(), await loggedIn()];
    const browser = new Haunted(named(stuck.cookie, own.cookie));
    expect((await browser.ask('/profile')).text).toContain(stuck.email);
    await browser.submit('/logout', {}, '/profile');
    for (const cookie of [stuck.cookie, own.cookie]) expect((await ask('/profile', named(cookie))).status).toBe(303);
    const reasons = await sql<{ end_reason: string }>(
      'SELECT end_reason FROM session s JOIN user_account u ON u.id = user_id WHERE email = ANY ($1)',
      [[stuck.email, own.email]],
    );
    expect(reasons.map(({ end_reason }) => end_reason)).toEqual(['logged_out', 'logged_out']);
  });

  test('that has ended says why, also behind another cookie', async () => {
    const { cookie, email } = await loggedIn();
    const user = await web.context.users.findByEmail(email);
    const origin = { ip: null, userAgent: null, requestId: null };
    await web.context.sessions.end({ userId: user?.id ?? '' }, { reason: 'revoked', actor: null, origin });
    const { text } = await ask('/login', named(signedAndGone(), cookie));
    expect(text).toContain('You ended this session from another browser');
  });
});

describe('a visitor’s cookie', () => {
  test('before ours is used or passed over, and forms go on', async () => {
    for (const before of ['holdfast_visitor=old', `holdfast_visitor=${newToken()}`]) {
      const browser = new Haunted(before);
      const email = newEmail();
      expect((await browser.submit('/register', { email, password: PASSWORD })).status).toBe(303);
    }
  });

  test('that comes in between does not make a form too old', async () => {
    const { email } = await loggedIn();
    const first = await ask('/login', '');
    const own = first.set.find((line) => line.startsWith('holdfast_visitor='))?.split(';')[0] ?? '';
    const fields = { email, password: PASSWORD, _csrf: fieldValue(first.text, '_csrf') ?? '' };
    const answer = await ask('/login', `holdfast_visitor=${newToken()}; ${own}`, fields);
    expect(answer.status).toBe(303);
  });
});

test('a language that we don’t speak is passed over', async () => {
  const { text } = await ask('/login', 'holdfast_language=xx; holdfast_language=de');
  expect(text).toContain('<html lang="de">');
});

test('the second step is found behind another cookie of its name', async () => {
  const email = newEmail();
  const member = new Browser(web.url);
  await member.register(email);
  const { secret } = await enrol(member);
  await sql('UPDATE totp SET last_step = 0 FROM user_account u WHERE u.id = user_id AND email = $1', [email]);
  const browser = new Haunted(`holdfast_pending=old; holdfast_pending=${newToken()}`);
  expect((await browser.submit('/login', { email, password: PASSWORD })).status).toBe(303);
  expect((await browser.submit('/login/second-factor', { code: totpCode(secret) })).status).toBe(303);
  expect((await browser.ask('/profile')).status).toBe(200);
});

test('a known browser is known behind another cookie of its name, and keeps its own', async () => {
  const strict = await startWeb(stores, { THROTTLE_ACCOUNT_CLIENT: '2/20/1d', THROTTLE_DEVICE: '5/20/1d' });
  try {
    const email = newEmail();
    const foreign = Array.from({ length: 5 }, ofAnother).join('~');
    const known = new Browser(strict.url);
    const device = (setCookie(await known.register(email), 'holdfast_device') ?? '').split(';')[0] ?? '';
    const attempt = async (cookie: string, password: string) => {
      const form = await fetch(`${strict.url}/login`);
      const visitor = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const _csrf = fieldValue(await form.text(), '_csrf') ?? '';
      return fetch(`${strict.url}/login`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: `${cookie}; ${visitor}` },
        body: new URLSearchParams({ email, password, _csrf }),
      });
    };
    for (let index = 0; index < 4; index += 1) await attempt('', 'a wrong password');
    expect((await attempt('', PASSWORD)).status).toBe(429);
    const answer = await attempt(`holdfast_device=${foreign}; ${device}`, PASSWORD);
    expect(answer.status).toBe(303);
    const kept = answer.headers.getSetCookie().find((line) => line.startsWith('holdfast_device=')) ?? '';
    const token = device.slice('holdfast_device='.length).split('.')[0] ?? '';
    expect(kept.startsWith(`holdfast_device=${token}.`)).toBe(true);
    expect(kept.split('~').length).toBeLessThanOrEqual(4);
    const rows = await sql('SELECT FROM known_device WHERE token_hash = $1', [
      createHash('sha256').update(token).digest(),
    ]);
    expect(rows).toHaveLength(1);
  } finally {
    await strict.close();
  }
});
