// API tokens: made once, kept as a hash, good for the log alone, and for no longer than their owner may look. And what they read.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { fieldError } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, stores, sql, newMember, newOperator, startWeb } = await world({ worker: true, watched: true });
const by = { actor: null, origin: NO_ORIGIN };
const told = {
  language: 'en',
  from: { at: new Date().toISOString(), device: 'the command line', ip: null },
} as const;
const chief = await newOperator();

async function newAuditor() {
  const person = await newMember();
  await web.context.users.setRole(person.id, 'auditor', by);
  return person;
}

async function newToken(userId: string, days = 90): Promise<{ id: string; secret: string }> {
  const made = await web.context.apiTokens.create({ userId, name: 'a collector', days, by, told });
  if (!made.ok) throw new Error(made.reason);
  return made;
}

async function ask(query: string, secret: string | null, { url = web.url, accept = 'application/json' } = {}) {
  const authorization = secret === null ? {} : { authorization: `Bearer ${secret}` };
  const response = await fetch(`${url}/api/audit${query}`, {
    headers: { accept, ...authorization },
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const status = async (secret: string | null, query = '') => (await ask(query, secret)).status;

interface Read {
  readonly events: readonly { readonly seq: number; readonly type: string; readonly hash: string }[];
  readonly next: string | null;
}

const read = async (query: string, secret: string) => JSON.parse((await ask(query, secret)).text) as Read;

async function eventsOf(type: string, about: string) {
  await worker.sealing.seal();
  return sql<{ actor_id: string | null; detail: Record<string, unknown> }>(
    'SELECT actor_id, detail FROM audit_event WHERE type = $1 AND $2 IN (subject_id, actor_id) ORDER BY seq',
    [type, about],
  );
}

test('an operator makes one, sees it once, and only its hash is kept', async () => {
  const { id, email } = await newAuditor();
  const path = `/operator/users/${id}/tokens/create`;
  const wrong = await chief.browser.submit(path, { name: '', days: '900', reason: '' });
  expect([wrong.status, fieldError(wrong.text, 'days')]).toEqual([422, 'From 1 to 366 days.']);
  const made = await chief.browser.submit(path, { name: 'The collector', days: '30', reason: 'yearly review' });
  const secret = /holdfast_[\w-]{43}/.exec(made.text)?.[0] ?? '';
  expect([made.status, await status(secret)]).toEqual([200, 200]);
  const [event] = await eventsOf('api_token_created', id);
  expect(event).toMatchObject({
    actor_id: chief.id,
    detail: { name: 'The collector', days: 30, reason: 'yearly review' },
  });
  const list = await chief.browser.get('/operator/tokens');
  for (const words of ['The collector', email]) expect(list.text).toContain(words);
  const everything = await sql<{ all: string }>(
    `SELECT (SELECT json_agg(t)::text FROM api_token AS t) || (SELECT json_agg(e)::text FROM audit_event AS e) AS all`,
  );
  expect(everything[0]?.all).not.toContain(secret.slice('holdfast_'.length));
  expect(list.text).not.toContain(secret.slice('holdfast_'.length));
});

test('a member has none, whoever asks for it', async () => {
  const { id } = await newMember();
  const answer = await chief.browser.submit(`/operator/users/${id}/tokens/create`, {
    name: 'x',
    days: '1',
    reason: 'x',
  });
  expect([answer.status, answer.text.includes('Only auditors and operators')]).toEqual([409, true]);
});

test('pages follow one another without a gap, forwards by a cursor that is kept and backwards as in the console', async () => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  for (let count = 0; count < 7; count += 1) await newMember();
  await worker.sealing.seal();
  const all = (await sql<{ seq: string }>(`SELECT seq FROM audit_event WHERE type = 'user_created' ORDER BY seq`)).map(
    ({ seq }) => Number(seq),
  );
  const forwards: number[] = [];
  let next = '?type=user_created&after=0&limit=3';
  for (let page = 0; page < 20 && forwards.length < all.length; page += 1) {
    const { events, next: following } = await read(next, secret);
    forwards.push(...events.map(({ seq }) => seq));
    next = (following ?? '').replace('/api/audit', '');
  }
  expect(forwards).toEqual(all);
  expect((await read(next, secret)).events).toEqual([]);
  await newMember();
  await worker.sealing.seal();
  expect((await read(next, secret)).events.map(({ type }) => type)).toEqual(['user_created']);

  const backwards: number[] = [];
  for (let place: string | null = '?type=user_created&limit=4'; place !== null; ) {
    const page: Read = await read(place, secret);
    backwards.push(...page.events.map(({ seq }) => seq));
    place = page.next?.replace('/api/audit', '') ?? null;
  }
  expect(backwards.slice(1)).toEqual(all.toReversed());
});

test('filters are those of the console, and lines those of an export, which prove themselves', async () => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  const someone = await newMember();
  await worker.sealing.seal();
  const lines = await ask(`?person=${someone.id}&format=ndjson&after=0`, secret);
  expect(lines.headers.get('content-type')).toContain('application/x-ndjson');
  expect(lines.headers.get('cache-control')).toBe('no-store');
  const backwards = await ask(`?person=${someone.id}`, secret, { accept: 'application/x-ndjson' });
  expect(backwards.text.trim().split('\n').toReversed()).toEqual(lines.text.trim().split('\n'));
  const { code, err } = await commandLine(stores)(['audit', 'verify', '--file', '-', '--filtered'], {
    input: lines.text,
  });
  expect({ code, err }).toMatchObject({ code: 0 });
  for (const [query, error] of [
    ['?type=no_such', 'bad_filter'],
    ['?limit=0', 'bad_limit'],
    ['?limit=1001', 'bad_limit'],
    ['?adress=203.0.113.7', 'bad_filter'],
    ['?after=x', 'bad_number'],
    ['?after=1&after=2', 'bad_number'],
    ['?limit=1&limit=2', 'bad_number'],
    ['?after=1&before=2', 'bad_cursor'],
    ['?format=csv', 'bad_format'],
  ] as const) {
    const answer = await ask(query, secret);
    expect([query, answer.status, JSON.parse(answer.text).error]).toEqual([query, 422, error]);
  }
});

test('what is no request for the log gets JSON too', async () => {
  const json = { 'content-type': 'application/json' };
  for (const [path, init, status, error] of [
    ['/api', {}, 404, 'not_found'],
    ['/api/events', {}, 404, 'not_found'],
    ['/api/audit', { method: 'POST', headers: json, body: '{}' }, 415, 'method_not_allowed'],
    ['/api/audit', { method: 'DELETE' }, 405, 'method_not_allowed'],
  ] as const) {
    const answer = await fetch(web.url + path, init);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([status, error]);
  }
});

test('no token, a wrong one, one in the address, or a session’s cookie opens nothing', async () => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  const last = secret.at(-1) === 'A' ? 'B' : 'A';
  for (const wrong of [
    null,
    '',
    'x',
    secret.slice(9),
    `${secret.slice(0, -1)}${last}`,
    `${secret}A`,
    secret.toUpperCase(),
  ]) {
    const answer = await ask('', wrong);
    expect([wrong, answer.status, answer.headers.get('www-authenticate')]).toEqual([
      wrong,
      401,
      'Bearer realm="Holdfast"',
    ]);
  }
  expect(await status(null, `?token=${secret}`)).toBe(400);
  expect(await status(secret, `?access_token=${secret}`)).toBe(400);
  expect((await chief.browser.get('/api/audit')).status).toBe(401);
  expect(await status(secret)).toBe(200);
});

test('what it reads is recorded once in a quarter of an hour, and reading does not fill the log', async () => {
  const { id } = await newAuditor();
  const { id: token, secret } = await newToken(id);
  const someone = await newMember();
  for (let round = 0; round < 3; round += 1) {
    await ask(`?person=${someone.id}&after=${round}`, secret);
    await ask('?after=0', secret);
    await ask('?time=24h', secret);
  }
  const found = await eventsOf('sensitive_read', id);
  expect(found.map(({ detail }) => detail)).toEqual([
    { what: 'api', token, filter: JSON.stringify({ person: someone.id }) },
    { what: 'api', token, filter: '{}' },
    { what: 'api', token, filter: expect.stringMatching(/^\{"from":"[^"]+"\}$/) },
  ]);
  const [row] = await sql<{ used: boolean }>(
    `SELECT last_used_at > now() - interval '1 minute' AS used FROM api_token WHERE id = $1`,
    [token],
  );
  expect(row).toEqual({ used: true });
});

test.each([
  [
    'it has expired',
    (id: string) => sql(`UPDATE api_token SET expires_at = now() - interval '1 second' WHERE user_id = $1`, [id]),
  ],
  ['its owner is a member', (id: string) => web.context.users.setRole(id, 'member', by)],
  ['its owner is disabled', (id: string) => web.context.users.setDisabled(id, true, by)],
  ['its owner’s account was secured', (id: string) => worker.secureAccount.secure({ userId: id, by })],
  ['its owner deleted the account', (id: string) => erase(id)],
  [
    'an older version took the role away',
    (id: string) => sql('UPDATE user_account SET auditor = false WHERE id = $1', [id]),
  ],
] as const)('it opens nothing once %s', async (_why, end) => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  expect(await status(secret)).toBe(200);
  await end(id);
  expect(await status(secret)).toBe(401);
});

async function erase(userId: string) {
  await web.context.accountDeletion.delete({ userId, ...by, sessionId: null, told });
}

test.each([
  [
    'role',
    async (id: string) => {
      await web.context.users.setRole(id, 'member', by);
      await web.context.users.setRole(id, 'auditor', by);
    },
  ],
  [
    'account',
    async (id: string) => {
      await web.context.users.setDisabled(id, true, by);
      await web.context.users.setDisabled(id, false, by);
    },
  ],
] as const)('one that ended with the %s does not come back with it', async (_what, takeAndGive) => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  await takeAndGive(id);
  expect(await status(secret)).toBe(401);
  expect(await eventsOf('api_token_revoked', id)).toHaveLength(1);
});

test('an operator revokes one on its owner’s page, and a command lists and revokes', async () => {
  const { id } = await newAuditor();
  const [one, two] = [await newToken(id), await newToken(id)];
  const path = `/operator/users/${id}/tokens/${one.id}/revoke`;
  expect((await chief.browser.get(path)).text).toContain('a collector');
  expect((await chief.browser.submit(path, { reason: 'not needed' })).status).toBe(303);
  expect([await status(one.secret), await status(two.secret)]).toEqual([401, 200]);
  expect((await chief.browser.get(path)).status).toBe(404);
  const other = await newAuditor();
  const elsewhere = `/operator/users/${other.id}/tokens/${two.id}/revoke`;
  expect((await chief.browser.submit(elsewhere, { reason: 'not theirs' }, '/operator/tokens')).status).toBe(404);
  expect(await status(two.secret)).toBe(200);
  const run = commandLine(stores);
  const listed = await run(['token', 'list', '--json']);
  expect(listed.out).toContain(two.id);
  expect(listed.out).not.toContain(one.id);
  expect((await run(['token', 'revoke', two.id, '--reason', 'x'])).code).toBe(0);
  expect(await status(two.secret)).toBe(401);
  const { email } = (await web.context.users.find(id)) ?? { email: '' };
  for (const name of [' ', 'x'.repeat(61)])
    expect((await run(['token', 'create', email, '--name', name, '--reason', 'x'])).code).not.toBe(0);
  const made = await run(['token', 'create', email, '--name', 'by command', '--days', '1', '--reason', 'x']);
  expect(await status(made.out.trim())).toBe(200);
});

describe('its owner', () => {
  const SECURITY = '/account/security';

  async function ownerWithToken() {
    const person = await newAuditor();
    await person.browser.logIn(person.email);
    const { id: token, secret } = await newToken(person.id);
    return { ...person, token, secret, revoke: `${SECURITY}/tokens/${token}/revoke` };
  }

  const words = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

  test('sees it with its dates, and whether it was used, and revokes it', async () => {
    const { id, browser, token, secret, revoke } = await ownerWithToken();
    expect(words((await browser.get(SECURITY)).text)).toMatch(
      /API tokens .* a collector made .* never used good until/,
    );
    expect(await status(secret)).toBe(200);
    expect(words((await browser.get(SECURITY)).text)).toMatch(
      /a collector made just now last used just now good until/,
    );
    const done = await browser.submit(revoke, {}, SECURITY);
    expect([done.status, done.headers['location']]).toEqual([303, `${SECURITY}?done=api-token-revoked`]);
    expect(await status(secret)).toBe(401);
    expect((await browser.get(SECURITY)).text).not.toContain('API tokens');
    expect(await eventsOf('api_token_revoked', id)).toEqual([{ actor_id: id, detail: { token } }]);
  });

  test('proves who they are before it; nobody revokes another’s there', async () => {
    const { id, browser, secret, revoke } = await ownerWithToken();
    const other = await ownerWithToken();
    expect((await other.browser.submit(revoke, {}, SECURITY)).status).toBe(404);
    expect((await other.browser.submit(`${SECURITY}/tokens/x/revoke`, {}, SECURITY)).status).toBe(404);
    await sql(
      `UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = NULL WHERE user_id = $1`,
      [id],
    );
    const late = await browser.submit(revoke, {}, SECURITY);
    expect(late.headers['location']).toBe('/confirm?next=%2Faccount%2Fsecurity');
    expect(words((await browser.get('/confirm?next=%2Faccount%2Fsecurity')).text)).toContain('revoke an API token');
    expect(await status(secret)).toBe(200);
  });

  test('reads in their activity that one was made and revoked, and by an operator', async () => {
    const { id, email, browser } = await newAuditor();
    await browser.logIn(email);
    const { id: token } = await newToken(id);
    await chief.browser.submit(`/operator/users/${id}/tokens/${token}/revoke`, { reason: 'not needed' });
    await worker.sealing.seal();
    const { text } = await browser.get('/account/activity');
    expect(words(text)).toMatch(/An API token was revoked\. .{5,40} by an operator .*An API token was made, by which/);
    expect(text).not.toContain('not needed');
  });

  test('who has none reads nothing of them', async () => {
    const { browser } = await newMember();
    expect((await browser.get(SECURITY)).text).not.toContain('API token');
  });

  test('ends it, as they end sessions, though somebody else has used up what the account may do', async () => {
    const strict = await startWeb({ THROTTLE_ACTS: '1/1/1h' });
    const { email, secret, revoke } = await ownerWithToken();
    const browser = new Browser(strict.url);
    await browser.logIn(email);
    for (const expected of [303, 429]) {
      const sent = await browser.submit('/language', { language: 'en', back: '/profile' }, '/profile');
      expect(sent.status).toBe(expected);
    }
    expect((await browser.submit(revoke, {}, SECURITY)).status).toBe(303);
    expect(await status(secret)).toBe(401);
  });
});

test('it leaves no cookie, and a stranger sees no list of tokens', async () => {
  const { id } = await newAuditor();
  const { secret } = await newToken(id);
  const answer = await ask('', secret);
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
  expect((await new Browser(web.url).get('/operator/tokens')).status).toBe(303);
});

// The last one: it blocks this machine as a client.
test('guessing is throttled by client, and a token by itself', async () => {
  const narrow = await startWeb({ THROTTLE_TOKEN: '3/3/1h', THROTTLE_API: '4/4/1h' });
  const { id } = await newAuditor();
  const [one, two] = [await newToken(id), await newToken(id)];
  const many = async (secret: string, count: number) => {
    const found: number[] = [];
    for (let at = 0; at < count; at += 1) found.push((await ask('', secret, { url: narrow.url })).status);
    return found;
  };
  expect((await many(`holdfast_${'x'.repeat(43)}`, 6)).at(-1)).toBe(429);
  expect((await many(one.secret, 8)).filter((code) => code === 429).length).toBeGreaterThan(0);
  expect((await many(two.secret, 1))[0]).toBe(200);
  const refused = await ask('', one.secret, { url: narrow.url });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
});
