// The console's search: whatever an operator holds in their hand leads straight to its page; several meanings are offered, and
// nothing of what was typed stands in an address.
import { beforeAll, expect, test } from '@jest/globals';
import { Browser, newEmail, setCookie } from '../support/app.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const { browser: operator } = await newOperator();
const { id: personId, email, browser: member } = await newMember();
let session: string;
let request: string;
let seq: number;

beforeAll(async () => {
  await member.get('/operator'); // refused, and recorded
  await worker.sealing.seal();
  const [row] = await sql<{ session_id: string; request_id: string; seq: string }>(
    `SELECT session_id, request_id, seq FROM audit_event WHERE type = 'authz_fail' AND actor_id = $1`,
    [personId],
  );
  [session, request, seq] = [row?.session_id ?? '', row?.request_id ?? '', Number(row?.seq)];
});

async function find(q: string, browser = operator): Promise<string> {
  const { status, headers } = await browser.submit('/operator/find', { q }, '/operator');
  expect([q, status]).toEqual([q, 303]);
  return headers['location'] ?? '';
}

/** What is offered where there is not one answer: names and where they lead. */
async function offered(q: string): Promise<{ text: string; links: string[] }> {
  expect(await find(q)).toBe('/operator/find');
  const { status, text } = await operator.get('/operator/find');
  expect(status).toBe(200);
  const list = /<ul class="found">.*?<\/ul>/s.exec(text)?.[0] ?? '';
  return { text, links: [...list.matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? '') };
}

test('what means one thing leads straight there', async () => {
  const person = `/operator/users/${personId}`;
  for (const typed of [
    email,
    ` ${email.toUpperCase()} `,
    email.replace('@example.org', '@ex'),
    personId,
    personId.toUpperCase(),
  ])
    expect(await find(typed)).toBe(person);
  expect(await find(session)).toBe(`/operator/sessions/${session}`);
  expect(await find(request)).toBe(`/operator/audit?request=${request}`);
  for (const typed of [`#${seq}`, `No. ${seq}`, `event ${seq}`])
    expect(await find(typed)).toBe(`/operator/audit/${seq}`);
  expect(await find('127.0.0.1')).toBe('/operator/audit?address=127.0.0.1');
  expect(await find('::ffff:127.0.0.1')).toBe('/operator/audit?address=127.0.0.1');
  expect(await find('127.0.0.0/8')).toBe(`/operator/audit?${new URLSearchParams({ address: '127.0.0.0/8' })}`);
  for (const href of [person, `/operator/sessions/${session}`, `/operator/audit?request=${request}`])
    expect((await operator.get(href)).status).toBe(200);
});

test('a number as the console prints it is an event, and never a part of an address', async () => {
  const { links, text } = await offered('9,999,999');
  expect(links).toEqual([]);
  expect(text).toContain('Nothing is found for “<bdi>9,999,999</bdi>”');
});

test('several meanings are offered as links, also when the page is opened again', async () => {
  const twin = `${seq}-${newEmail()}`;
  await new Browser(web.url).register(twin);
  const { links, text } = await offered(String(seq));
  expect(links).toContain(`/operator/audit/${seq}`);
  expect(links.some((href) => href.startsWith('/operator/users/'))).toBe(true);
  expect(text).toContain('things found for');
  expect((await operator.get('/operator/find')).text).toContain(twin);
  // Another operator in the same browser, or none, does not get it.
  const { browser: second } = await newOperator();
  expect((await second.get('/operator/find')).text).not.toContain(twin);
});

test('of many people the first are offered, and it is said that there are more', async () => {
  await sql(
    `INSERT INTO user_account (id, email, email_key, password_hash)
     SELECT gen_random_uuid(), 'crowd-' || n || '@example.net', 'crowd-' || n || '@example.net', '' FROM generate_series(1, 25) AS n`,
  );
  const { links, text } = await offered('CROWD');
  expect(links).toHaveLength(20);
  expect(text).toContain('Type more of the e-mail address to find the others.');
  const one = await find('crowd-17@');
  expect(one).toMatch(/^\/operator\/users\/[0-9a-f-]{36}$/);
});

test('what is not there is said, and nothing typed is in an address', async () => {
  for (const typed of [
    'nobody@example.org',
    '018f0000-0000-7000-8000-000000000abc',
    '198.51.100.200',
    '198.51.100.0/24',
    '<b>%00',
    'x y',
  ]) {
    const { text, links } = await offered(typed);
    expect([typed, links]).toEqual([typed, []]);
    expect(text).toContain('Nothing is found for');
    expect(text).not.toContain('<b>%00');
    expect(linkTo(text, typed)).toBeUndefined();
  }
  expect(await find('')).toBe('/operator/find');
  expect((await operator.get('/operator/find')).text).not.toContain('Nothing is found for');
  const answer = await operator.submit('/operator/find', { q: 'somebody@example.org' }, '/operator');
  const kept = setCookie(answer, 'holdfast_find') ?? '';
  expect(kept.toLowerCase()).toContain('httponly');
  expect(decodeURIComponent(kept)).not.toContain('somebody');
});

test('a deleted account is found by its id, and a session by its own once its row is gone', async () => {
  const { id } = await newMember();
  await worker.sealing.seal();
  const [{ id: gone } = { id: '' }] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [id]);
  await sql('DELETE FROM session WHERE id = $1', [gone]);
  expect(await find(gone)).toBe(`/operator/sessions/${gone}`);
  await sql(`UPDATE user_account SET deleted_at = now(), email = id::text, email_key = id::text WHERE id = $1`, [id]);
  expect(await find(id)).toBe(`/operator/users/${id}`);
  expect((await operator.get(`/operator/users/${id}`)).status).toBe(410);
});

test('searching uses up none of the acts that a session may do', async () => {
  const { browser } = await newOperator();
  const token = await browser.token('/operator');
  for (let count = 0; count < 120; count += 1) {
    const { status } = await browser.agent
      .post('/operator/find')
      .redirects(0)
      .type('form')
      .send({ q: `#${seq}`, _csrf: token });
    expect(status).toBe(303);
  }
});

test('members may not', async () => {
  const token = await member.token('/profile');
  const { status } = await member.agent
    .post('/operator/find')
    .redirects(0)
    .type('form')
    .send({ q: email, _csrf: token });
  expect(status).toBe(403);
});
