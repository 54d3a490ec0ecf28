// An auditor sees the console and changes nothing in it, whatever they send; each look is recorded, or not answered. The routes
// are those of the router: one that is added is tried too.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createApp } from '../../src/web/app.ts';
import { Browser } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { world } from '../support/world.ts';

const { web, worker, stores, sql, newMember, newOperator, startWeb } = await world({ worker: true });
const by = { actor: null, origin: NO_ORIGIN };
const chief = await newOperator();
const other = await newMember();

async function newAuditor(url?: string) {
  const person = await newMember(url);
  await web.context.users.setRole(person.id, 'auditor', by);
  await person.browser.logIn(person.email);
  return person;
}

const auditor = await newAuditor();
const { router, streams } = createApp(web.context, { draining: false, started: true });
streams.end();
const ID = '018f0000-0000-7000-8000-000000000000';
const routes = router.stack.flatMap(({ path, methods }) =>
  methods.map((method) => ({ method, path: String(path).replaceAll(/[:*]\w+/g, ID), name: `${method} ${path}` })),
);
const inConsole = routes.filter(({ path }) => path.startsWith('/operator'));

/** What an auditor sends too: it changes nothing but a cookie of theirs. */
const OWN = ['/operator/zone', '/operator/find'];

async function looks(id: string) {
  await worker.sealing.seal();
  return sql<{ detail: Record<string, unknown>; subject_id: string | null }>(
    `SELECT detail, subject_id FROM audit_event WHERE type = 'sensitive_read' AND actor_id = $1 ORDER BY seq`,
    [id],
  );
}

/** Everything that an operator could change, as it stands. */
const state = () =>
  sql(
    `SELECT (SELECT json_agg(u ORDER BY id) FROM (SELECT id, role, auditor, disabled_at, password_hash, version FROM user_account) AS u) AS people,
            (SELECT count(*) FROM session WHERE ended_at IS NULL) AS sessions, (SELECT count(*) FROM registration) AS invited,
            (SELECT count(*) FROM everybody_ended) AS everybody, (SELECT count(*) FROM securing_order) AS orders,
            (SELECT count(*) FROM application) AS applications, (SELECT count(*) FROM account_group) AS groups,
            (SELECT count(*) FROM api_token) AS tokens, (SELECT count(*) FROM mail) AS mails`,
  );

test('every form of the console is refused, and nothing is changed', async () => {
  const before = await state();
  const token = await auditor.browser.token('/profile');
  const forms = inConsole.filter(({ method, path }) => method === 'POST' && !OWN.includes(path));
  expect(forms.length).toBeGreaterThan(20);
  const fields = {
    reason: 'x',
    word: 'everybody',
    number: '1',
    email: 'x@example.org',
    name: 'x',
    zone: 'UTC',
    _csrf: token,
  };
  for (const { path, name } of forms)
    for (const real of [path, path.replace(ID, other.id)]) {
      const { status } = await auditor.browser.agent.post(real).redirects(0).type('form').send(fields);
      expect([name, status]).toEqual([name, 403]);
    }
  for (const method of ['put', 'patch', 'delete'] as const)
    for (const path of ['/operator/queues/board/api/queues/audit/clean/failed', '/operator/users']) {
      const { status } = await auditor.browser.agent[method](path).redirects(0).set('X-CSRF-Token', token);
      expect([403, 404, 405]).toContain(status);
    }
  expect(await state()).toEqual(before);
});

test('every page that shows a form to act is refused, and no other page has a form or leads to one that is', async () => {
  const refused: string[] = [];
  const seen = new Set<string>();
  const todo = [
    '/operator',
    `/operator/users/${other.id}`,
    '/operator/users/invitations',
    '/operator/tokens',
    '/operator/audit/1',
  ];
  await sql(
    `INSERT INTO throttle_block (id, scope, key, ip, started_at, until_at, failures)
     VALUES (gen_random_uuid(), 'client', 'c:203.0.113.9', '203.0.113.9', now(), now() + interval '1 hour', 50)`,
  );
  await worker.sealing.seal();
  while (todo.length > 0 && seen.size < 120) {
    const path = todo.shift() ?? '';
    const place = path.split(/[?#]/)[0] ?? '';
    if (seen.has(place.replace(/\d+$/, '#'))) continue;
    seen.add(place.replace(/\d+$/, '#'));
    const { status, text } = await auditor.browser.get(path);
    if (status === 403) refused.push(path);
    const posts = [...(text ?? '').matchAll(/<form[^>]*method="post"[^>]*action="([^"]+)"/g)].map(
      ([, action]) => action,
    );
    expect([path, posts.filter((action = '') => ![...OWN, '/logout'].includes(action))]).toEqual([path, []]);
    for (const [, href = ''] of (text ?? '').matchAll(/href="(\/operator[^"#]*)/g))
      if (!/\/(?:export|live)\?|\/queues\/board/.test(href)) todo.push(href.replaceAll('&amp;', '&'));
  }
  expect(seen.size).toBeGreaterThan(12);
  expect(refused).toEqual([]);
  for (const path of [
    `/operator/users/${other.id}/disable`,
    '/operator/sessions/end-all',
    '/operator/users/invite',
    '/operator/views',
  ])
    expect((await auditor.browser.get(path)).status).toBe(403);
});

test('each look is recorded, with what was looked at; the same once more within a quarter of an hour is one', async () => {
  const { browser, id } = await newAuditor();
  for (const path of ['/operator/mail', '/operator/blocks', '/operator/mail', `/operator/users/${other.id}`])
    await browser.get(path);
  const found = await looks(id);
  expect(found.filter(({ detail }) => detail['what'] === 'page').map(({ detail }) => detail['path'])).toEqual([
    '/operator/mail',
    '/operator/blocks',
    `/operator/users/${other.id}`,
  ]);
  expect(found.filter(({ subject_id }) => subject_id === other.id)).toHaveLength(1);
});

test('each search is recorded, without what was typed, and takes a point of what they may do', async () => {
  const { browser, id } = await newAuditor();
  const find = (q: string) => browser.submit('/operator/find', { q }, '/operator');
  for (const q of [other.email, other.email, 'somebody else entirely']) expect((await find(q)).status).toBe(303);
  const found = (await looks(id)).filter(({ detail }) => detail['what'] === 'search');
  expect(found.map(({ detail }) => detail)).toEqual([{ what: 'search' }, { what: 'search' }, { what: 'search' }]);
  await sql('REVOKE INSERT ON outbox FROM holdfast_web');
  try {
    expect((await find(other.email)).status).toBeGreaterThanOrEqual(500);
  } finally {
    await sql('GRANT INSERT ON outbox TO holdfast_web');
  }
});

test('who searches more than anybody acts waits', async () => {
  const strict = await startWeb({ THROTTLE_ACTS: '3/9/1h' });
  const { browser } = await newAuditor(strict.url);
  const token = await browser.token('/operator');
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) {
    const sent = browser.agent.post('/operator/find').redirects(0).type('form');
    statuses.push((await sent.send({ q: other.email, _csrf: token })).status);
  }
  expect(statuses).toEqual([303, 303, 303, 429]);
});

test('who looks at more than any program may read waits: each address leaves an event for ever', async () => {
  const strict = await startWeb({ THROTTLE_API: '4/4/1h' });
  const { browser, id } = await newAuditor(strict.url);
  const before = (await looks(id)).length;
  const statuses: number[] = [];
  for (let at = 0; at < 6; at += 1) statuses.push((await browser.get(`/operator/blocks?page=made-up-${at}`)).status);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(1);
  expect((await browser.get('/operator/blocks?page=made-up-0')).status).toBe(200);
  expect((await looks(id)).length - before).toBeLessThanOrEqual(4);
});

test('they choose the zone in which times are said, for their browser alone', async () => {
  const { browser } = await newAuditor();
  const chosen = await browser.submit('/operator/zone', { zone: 'Asia/Tokyo', back: '/operator' }, '/operator/zone');
  expect([chosen.status, chosen.headers['location']]).toEqual([303, '/operator']);
  expect((await browser.get('/operator')).text).toContain('Asia/Tokyo');
});

test('a look that can not be recorded is not answered', async () => {
  const { browser } = await newAuditor();
  await sql('REVOKE INSERT ON outbox FROM holdfast_web');
  try {
    expect((await browser.get('/operator/attempts')).status).toBeGreaterThanOrEqual(500);
  } finally {
    await sql('GRANT INSERT ON outbox TO holdfast_web');
  }
  expect((await browser.get('/operator/attempts')).status).toBe(200);
});

test('an export is theirs, and recorded; the queues are shown', async () => {
  const answer = await auditor.browser.get('/operator/audit/export?format=ndjson&type=user_created');
  expect(answer.status).toBe(200);
  await worker.sealing.seal();
  const exports = await sql(`SELECT type FROM audit_event WHERE type = 'audit_export' AND actor_id = $1`, [auditor.id]);
  expect(exports).toHaveLength(1);
  expect((await auditor.browser.get('/operator/queues')).status).toBe(200);
});

test('whoever is made a member loses it at once, in the console and on the way', async () => {
  const { browser, id, email } = await newAuditor();
  expect((await browser.get('/operator')).status).toBe(200);
  await web.context.users.setRole(id, 'member', by);
  expect((await browser.get('/operator')).status).toBe(303);
  await browser.logIn(email);
  expect((await browser.get('/operator')).status).toBe(403);
});

test('a version that knows no auditors sees a member, and its changes of the role leave none behind', async () => {
  const { id } = await newAuditor();
  const stored = () => sql('SELECT role::text, auditor FROM user_account WHERE id = $1', [id]);
  expect(await stored()).toEqual([{ role: 'member', auditor: true }]);
  await sql(`UPDATE user_account SET role = 'operator' WHERE id = $1`, [id]);
  expect(await stored()).toEqual([{ role: 'operator', auditor: false }]);
  await sql(`UPDATE user_account SET role = 'member' WHERE id = $1`, [id]);
  expect((await web.context.users.find(id))?.role).toBe('member');
});

test('an unknown role in a copy of a session is a member’s', async () => {
  const { parseEntry, formatEntry } = await import('../../src/core/sessions/cache-entry.ts');
  const { createCopySeal } = await import('../../src/core/sessions/copy-seal.ts');
  const [row] = await sql<{ token_hash: Buffer }>(
    'SELECT token_hash FROM session WHERE user_id = $1 AND ended_at IS NULL',
    [auditor.id],
  );
  const { record } = await web.context.sessionTable.find(row?.token_hash ?? Buffer.alloc(0));
  if (record.state !== 'live') throw new Error('it has ended');
  const bytes = Buffer.concat([
    Buffer.from('S'),
    Buffer.alloc(12),
    formatEntry('a name', record, null, createCopySeal(['a key'])),
  ]);
  const readRole = () => parseEntry(bytes.toString('latin1'))?.owner.role;
  expect(readRole()).toBe('auditor');
  bytes[17] = (bytes[17] ?? 0) | 6; // one more than there are
  expect(readRole()).toBe('member');
});

test('is made by an operator’s act, by the command, and by an invitation', async () => {
  const person = await newMember();
  const act = `/operator/users/${person.id}/make-auditor`;
  expect((await chief.browser.submit(act, { reason: 'the yearly review' })).status).toBe(303);
  expect((await web.context.users.find(person.id))?.role).toBe('auditor');
  const run = commandLine(stores);
  expect(await run(['user', 'set-role', other.email, 'auditor', '--reason', 'x'])).toMatchObject({ code: 0 });
  expect((await web.context.users.find(other.id))?.role).toBe('auditor');
  expect(await run(['user', 'set-role', other.email, 'member', '--reason', 'x'])).toMatchObject({ code: 0 });
  const invited = await run(['user', 'invite', 'new-auditor@example.org', '--auditor', '--print', '--reason', 'x']);
  const visitor = new Browser(web.url);
  await visitor.get(new URL(invited.out.trim()).pathname + new URL(invited.out.trim()).search);
  expect((await visitor.submit('/invitation', { password: 'correct horse battery staple' })).status).toBe(303);
  expect((await web.context.users.findByEmail('new-auditor@example.org'))?.role).toBe('auditor');
  expect((await visitor.get('/operator')).status).toBe(200);
  const people = await chief.browser.get('/operator/users?role=auditor');
  expect(people.text).toContain('new-auditor@example.org');
  expect(people.text).not.toContain(other.email);
});

test('needs a second factor where operators do, and a session as short', async () => {
  const strict = await startWeb({ SECOND_FACTOR: 'operators', SESSION_IDLE_OPERATOR: '5m' });
  const { browser } = await newAuditor(strict.url);
  const answer = await browser.get('/operator');
  expect([answer.status, answer.headers['location']]).toEqual([303, '/account/security?next=%2Foperator']);
});
