// What an application is told of somebody is signed: it verifies by the published keys, also while these are replaced.
import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Visitor } from '../../src/core/forward-auth/visitors.ts';
import { handlers } from '../../worker/handlers.ts';
import type { TestProcess } from '../support/app.ts';
import { addApplication, enterDirectly, type TestApplication } from '../support/applications.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, newMember, startWeb } = await world({ webs: 2, worker: true });

interface Jwk {
  readonly kid: string;
  readonly [name: string]: string;
}

let application: TestApplication;
let visitor: Visitor;

beforeAll(async () => {
  application = await addApplication(sql);
  const person = await newMember();
  const [row] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [person.id]);
  const session = await enterDirectly(web.context, { userId: person.id, sessionId: row?.id ?? '' }, application);
  visitor = { owner: session.record.owner as Visitor['owner'], groups: ['readers', 'writers'] };
});

async function published(on: TestProcess = web): Promise<readonly Jwk[]> {
  const answer = await fetch(`${on.url}/.well-known/holdfast-keys.json`);
  expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
  const { keys } = (await answer.json()) as { keys: readonly Jwk[] };
  return keys;
}

function read(token: string) {
  const [head = '', body = '', signature = ''] = token.split('.');
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  return { header: parse(head), claims: parse(body), signed: `${head}.${body}`, signature };
}

/** As an application does it. */
function isSigned(token: string, keys: readonly Jwk[]): boolean {
  const { header, signed, signature } = read(token);
  const jwk = keys.find(({ kid }) => kid === header['kid']);
  if (!jwk) return false;
  const key = createPublicKey({ key: jwk as never, format: 'jwk' });
  return verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64url'));
}

const states = async () => {
  const rows = await sql<{ kid: string; state: string }>(
    'SELECT kid, state FROM assertion_key ORDER BY created_at, kid',
  );
  return Object.fromEntries(rows.map(({ kid, state }) => [kid, state]));
};

test('says who somebody is, to one application, for a minute', async () => {
  const token = await web.context.forwardAuth.assert(visitor, application);
  const { header, claims } = read(token);
  expect(header).toEqual({ typ: 'holdfast-assertion+jwt', alg: 'EdDSA', kid: expect.any(String) });
  expect(claims).toEqual({
    iss: web.config.publicOrigin,
    aud: application.slug,
    sub: visitor.owner.userId,
    sid: visitor.owner.id,
    email: visitor.owner.email,
    groups: ['readers', 'writers'],
    amr: ['pwd'],
    auth_time: Math.floor(visitor.owner.application.provedAt / 1_000),
    iat: expect.any(Number),
    exp: Number(claims['iat']) + 60,
  });
  expect(Math.abs(Number(claims['iat']) - Date.now() / 1_000)).toBeLessThan(30);
  for (const on of [web, other]) expect(isSigned(token, await published(on))).toBe(true);
  const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`;
  expect(isSigned(forged, await published())).toBe(false);
});

test('is kept for a while, but not beyond a change of groups', async () => {
  const first = await web.context.forwardAuth.assert(visitor, application);
  expect(await web.context.forwardAuth.assert(visitor, application)).toBe(first);
  const moved = await web.context.forwardAuth.assert({ ...visitor, groups: [] }, application);
  expect(read(moved).claims['groups']).toEqual([]);
});

test('the private parts are in no table as they are', async () => {
  const rows = await sql<{ kid: string; text: string }>(
    `SELECT kid, encode(private_encrypted, 'base64') AS text FROM assertion_key`,
  );
  expect(rows).toHaveLength(2);
  // The first bytes of an Ed25519 key in PKCS #8.
  for (const { text } of rows)
    expect(Buffer.from(text, 'base64').includes(Buffer.from('302e0201003005', 'hex'))).toBe(false);
  expect(JSON.stringify(await published())).not.toContain('"d"');
});

describe('keys are replaced', () => {
  test('by one that was published before; what the old one signed stays good', async () => {
    const before = await published();
    const token = await web.context.forwardAuth.assert({ ...visitor, groups: ['old'] }, application);
    await handlers['rotate-keys'](worker, {});
    expect(Object.values(await states()).sort()).toEqual(['current', 'next']);
    await sql(`UPDATE assertion_key SET current_since = current_since - interval '91 days' WHERE state = 'current'`);
    await handlers['rotate-keys'](worker, {}); // the next one is not known for long enough
    expect(Object.values(await states()).sort()).toEqual(['current', 'next']);
    await sql(`UPDATE assertion_key SET created_at = created_at - interval '2 days' WHERE state = 'next'`);
    await handlers['rotate-keys'](worker, {});
    await until(async () => (await published()).length === 3 && (await published(other)).length === 3);
    const after = await web.context.forwardAuth.assert({ ...visitor, groups: ['new'] }, application);
    expect(read(after).header['kid']).not.toBe(read(token).header['kid']);
    expect(isSigned(after, before)).toBe(true);
    expect(isSigned(token, await published(other))).toBe(true);
    const { header } = read(await other.context.forwardAuth.assert({ ...visitor, groups: ['new'] }, application));
    expect(header['kid']).toBe(read(after).header['kid']);
  });

  test('those that nobody can hold anything of any more are deleted', async () => {
    await sql(`UPDATE assertion_key SET retired_at = retired_at - interval '4000 days' WHERE state = 'retired'`);
    await handlers['rotate-keys'](worker, {});
    await until(async () => (await published()).length === 2);
    await worker.sealing.seal();
    const events = await sql<{ state: string }>(
      `SELECT detail->>'state' AS state FROM audit_event WHERE type = 'sys_assertion_key' ORDER BY seq`,
    );
    expect(events.map(({ state }) => state)).toEqual(['current', 'next', 'retired', 'current', 'next', 'deleted']);
  });
});

describe('an operator takes a key away', () => {
  const by = { actor: null, origin: NO_ORIGIN, reason: 'its backup was lost' };
  const kidOf = (token: string) => String(read(token).header['kid']);

  test('every process signs by the one that was published before, and says no more of the other', async () => {
    const token = await web.context.forwardAuth.assert(visitor, application);
    const before = await states();
    const [next] = Object.entries(before).find(([, state]) => state === 'next') ?? [];
    expect(await web.context.forwardAuth.keys.revoke({ kid: kidOf(token) }, by)).toEqual([kidOf(token)]);
    for (const on of [web, other]) {
      await until(async () => !isSigned(token, await published(on)));
      const after = await on.context.forwardAuth.assert(visitor, application);
      expect(kidOf(after)).toBe(next);
      expect(isSigned(after, await published(on))).toBe(true);
    }
    const now = await states();
    expect(now[kidOf(token)]).toBeUndefined();
    expect(now[next ?? '']).toBe('current');
    expect(Object.values(now).filter((state) => state === 'next')).toHaveLength(1);
    expect(await web.context.forwardAuth.keys.revoke({ kid: kidOf(token) }, by)).toEqual([]);
  });

  test('all of them, and web processes make others', async () => {
    const before = await published();
    const token = await web.context.forwardAuth.assert(visitor, application);
    const gone = await other.context.forwardAuth.keys.revoke('all', by);
    expect([...gone].sort()).toEqual(before.map(({ kid }) => kid).sort());
    for (const on of [web, other]) {
      await until(async () => !isSigned(token, await published(on)));
      const after = await on.context.forwardAuth.assert(visitor, application);
      expect(isSigned(after, await published(on))).toBe(true);
    }
    expect(Object.values(await states()).sort()).toEqual(['current', 'next']);
    await worker.sealing.seal();
    const events = await sql<{ detail: Record<string, string> }>(
      `SELECT detail FROM audit_event WHERE type = 'sys_assertion_key' AND detail->>'state' = 'revoked'`,
    );
    for (const kid of gone)
      expect(events).toContainEqual({ detail: { key: kid, state: 'revoked', reason: 'its backup was lost' } });
  });
});

test('a key that can’t be decrypted signs no more', async () => {
  const lost = await startWeb({ SECRETS_KEYS: 'a-key-that-has-replaced-the-other-without-it' });
  const token = await lost.context.forwardAuth.assert(visitor, application);
  expect(isSigned(token, await published(lost))).toBe(true);
  expect(Object.values(await states()).sort()).toEqual(['current', 'next', 'retired', 'retired']);
});
