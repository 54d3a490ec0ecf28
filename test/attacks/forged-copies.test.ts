// Somebody who can write to Redis, and to nothing else: copies of sessions that they make or change count for nobody, nor does what
// they say that a form has begun.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { keys } from '../../src/core/platform/redis.ts';
import { ROLES } from '../../src/core/sessions/role.ts';
import { type Browser, PASSWORD } from '../support/app.ts';
import { entryOf } from '../support/copies.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, sql, newMember, newOperator } = await world();
const { redis } = web.context;
const [mallory, chief] = [await newMember(), await newOperator()];
const [key, chiefs] = [await keyOf(mallory.id), await keyOf(chief.id)];
const OPERATOR = ROLES.indexOf('operator') << 1;

/** The key of somebody's only live session. */
async function keyOf(userId: string): Promise<string> {
  const [row] = await sql<{ token_hash: Buffer }>(
    'SELECT token_hash FROM session WHERE user_id = $1 AND ended_at IS NULL',
    [userId],
  );
  return `s:${row?.token_hash.toString('base64url')}`;
}

async function profileOf(browser: Browser): Promise<string> {
  const { status, text } = await browser.get('/profile');
  return `${status} ${[mallory.email, chief.email].filter((email) => text.includes(email)).join(' ')}`;
}

const bytesOf = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex');

test.each([
  ['the role of an operator', (copy: Buffer) => Buffer.from(copy).fill((copy[17] ?? 0) | OPERATOR, 17, 18)],
  [
    'the account of an operator',
    (copy: Buffer) => Buffer.concat([copy.subarray(0, 39), bytesOf(chief.id), copy.subarray(55)]),
  ],
  ['the copy of an operator’s session', async () => (await redis.getBuffer(chiefs)) ?? Buffer.of()],
  ['no seal', (copy: Buffer) => copy.subarray(0, copy.lastIndexOf('\0{'))],
] as const)('a copy of their own session with %s', async (_what, forge) => {
  expect(await profileOf(mallory.browser)).toBe(`200 ${mallory.email}`);
  await until(async () => (await redis.getBuffer(key)) !== null);
  const copy = (await redis.getBuffer(key)) ?? Buffer.of();
  const forged = await forge(copy);
  expect(forged).not.toEqual(copy);
  await redis.set(key, forged, 'KEEPTTL');
  expect((await mallory.browser.get('/operator/users')).status).toBe(403);
  await until(async () => (await entryOf(redis, key)).slice(13) === copy.toString('latin1', 13));
  expect(await profileOf(mallory.browser)).toBe(`200 ${mallory.email}`);
});

test('a copy for a token that they made up', async () => {
  const token = 'A'.repeat(43);
  const made = `s:${createHash('sha256').update(token).digest('base64url')}`;
  await redis.set(made, (await redis.getBuffer(key)) ?? '', 'PX', 60_000);
  expect(await web.context.sessionCache.read(token)).toEqual({ state: 'unknown' });
  await until(async () => (await redis.get(made)) === 'Eunknown');
});

test('no seal of theirs brings an ended session back', async () => {
  const { browser, id } = await newMember();
  const own = await keyOf(id);
  expect(await browser.profile()).toBe(200);
  await until(async () => (await redis.getBuffer(own)) !== null);
  const copy = await entryOf(redis, own);
  await sql(`UPDATE session SET ended_at = now(), end_reason = 'revoked' WHERE user_id = $1`, [id]);
  const [before] = copy.split('\0{"m"');
  await redis.set(own, Buffer.from(`${before}\0{"m":"${'A'.repeat(16)}"}`, 'latin1'), 'PX', 60_000);
  expect(await browser.profile()).toBe(303);
  await until(async () => (await redis.get(own)) === 'Erevoked');
});

test('a form that is said to have begun somebody else’s session begins none', async () => {
  const [theirs] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL', [
    chief.id,
  ]);
  const { browser } = mallory;
  const path = '/confirm';
  const fields = { _csrf: fieldValue((await browser.get(path)).text, '_csrf') ?? '', password: 'not the password' };
  const text = JSON.stringify([path, ...Object.entries(fields)]);
  const sent = keys.sentForm(createHash('sha256').update(text).digest('base64url'));
  const begun = { sessionId: theirs?.id, userId: chief.id, turn: 1, to: '/profile' };
  await redis.hset(sent, {
    turn: '1',
    [begun.sessionId ?? '']: JSON.stringify({ ...begun, signature: 'x'.repeat(43) }),
  });
  expect((await browser.agent.post(path).redirects(0).type('form').send(fields)).status).toBe(422);
  expect(await profileOf(chief.browser)).toBe(`200 ${chief.email}`);
  expect(await sql('SELECT FROM session WHERE user_id = $1 AND ended_at IS NULL', [chief.id])).toHaveLength(1);
  expect((await browser.submit(path, { password: PASSWORD })).status).toBe(303);
});
