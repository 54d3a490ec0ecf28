// No state changes without an event in the same transaction: every form, every job and what operators do by command are walked
// while the database notes each change. A POST route or a table that is added is found by this test until it is walked.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createApp } from '../../src/web/app.ts';
import { handlers } from '../../worker/handlers.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { changesOf, silentChanges, watchChanges } from '../support/changes.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, newMember, newOperator } = await world({ worker: true });

beforeAll(async () => {
  await watchChanges(stores.database);
});

const by = { actor: null, origin: NO_ORIGIN };

/** An operator's act on somebody else, by its path below their page. */
async function onSomebody(pathFor: (id: string) => string | Promise<string>): Promise<number> {
  const { browser } = await newOperator();
  const { id } = await newMember();
  const path = `/operator/users/${id}/${await pathFor(id)}`;
  return (await browser.submit(path, { reason: 'a test' }, path)).status;
}

async function onDrain(act: string, fields: Readonly<Record<string, string>> = {}): Promise<number> {
  const { browser } = await newOperator();
  await sql(
    `INSERT INTO audit_drain (name, kind, target, format, seq) VALUES ('siem', 'file', '/a', 'ecs', 1) ON CONFLICT DO NOTHING`,
  );
  const path = `/operator/drains/siem/${act}`;
  return (await browser.submit(path, { reason: 'a test', ...fields }, path)).status;
}

async function savedView() {
  const { browser, id } = await newOperator();
  const answer = await browser.submit('/operator/views/save?list=audit&time=night', { name: 'a view' });
  const [view] = await sql<{ id: string }>('SELECT id FROM saved_view WHERE user_id = $1', [id]);
  return { browser, answer, path: `/operator/views/${view?.id}` };
}

async function sessionOf(userId: string): Promise<string> {
  const rows = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL LIMIT 1', [
    userId,
  ]);
  return rows[0]?.id ?? '';
}

/** How each form is filled in; what it answers, so that a walk that changes nothing is seen. */
const WALK: Readonly<Record<string, () => Promise<number>>> = {
  '/register': async () => (await new Browser(web.url).register(newEmail())).status,
  '/login': async () => {
    const { email } = await newMember();
    await new Browser(web.url).logIn(email, 'not the password at all');
    return (await new Browser(web.url).logIn(email)).status;
  },
  '/logout': async () => (await (await newMember()).browser.logOut()).status,
  '/confirm': async () =>
    (await (await newMember()).browser.submit('/confirm', { password: PASSWORD }, '/confirm?next=%2Fprofile')).status,
  '/account/password': async () =>
    (
      await (
        await newMember()
      ).browser.submit('/account/password', { current: PASSWORD, password: 'another horse battery' })
    ).status,
  '/account/sessions/:id/revoke': async () => {
    const { browser, email, id } = await newMember();
    const own = await sessionOf(id);
    await new Browser(web.url).logIn(email);
    const [other] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1 AND id <> $2', [id, own]);
    return (await browser.submit(`/account/sessions/${other?.id}/revoke`, {}, '/account/sessions')).status;
  },
  '/account/sessions/revoke-others': async () => {
    const { browser, email } = await newMember();
    await new Browser(web.url).logIn(email);
    return (await browser.submit('/account/sessions/revoke-others', {}, '/account/sessions')).status;
  },
  '/account/delete': async () =>
    (await (await newMember()).browser.submit('/account/delete', { understood: 'yes' }, '/profile')).status,
  '/account/data': async () => (await (await newMember()).browser.submit('/account/data', {}, '/profile')).status,
  '/account/devices/forget': async () =>
    (await (await newMember()).browser.submit('/account/devices/forget', {}, '/account/sessions')).status,
  '/operator/users/:id/sessions/:sessionId/revoke': () =>
    onSomebody(async (id) => `sessions/${await sessionOf(id)}/revoke`),
  '/operator/users/:id/sessions/revoke-all': () => onSomebody(() => 'sessions/revoke-all'),
  '/operator/users/:id/secure': () => onSomebody(() => 'secure'),
  '/operator/users/:id/disable': () => onSomebody(() => 'disable'),
  '/operator/users/:id/enable': () =>
    onSomebody(async (id) => {
      await web.context.users.setDisabled(id, true, by);
      return 'enable';
    }),
  '/operator/users/:id/make-auditor': () => onSomebody(() => 'make-auditor'),
  '/operator/users/:id/make-operator': () => onSomebody(() => 'make-operator'),
  '/operator/users/:id/make-member': () =>
    onSomebody(async (id) => {
      await web.context.users.setRole(id, 'operator', by);
      return 'make-member';
    }),
  '/operator/users/:id/send-reset': () => onSomebody(() => 'send-reset'),
  '/operator/users/:id/forget-browsers': () => onSomebody(() => 'forget-browsers'),
  '/operator/users/:id/remove-factors': () =>
    onSomebody(async (id) => {
      // Not by its owner: the watch looks away.
      await sql(`SET session_replication_role = replica; INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name)
                 VALUES (gen_random_uuid(), '${id}', gen_random_uuid()::text, '', 0, '{}', 'Key')`);
      return 'remove-factors';
    }),
  '/operator/blocks/:id/lift': async () => {
    const { browser } = await newOperator();
    const [block] = await sql<{ id: string }>(
      `INSERT INTO throttle_block (id, scope, key, ip, started_at, until_at, failures)
       VALUES (gen_random_uuid(), 'client', 'client:203.0.113.9', '203.0.113.9', now(), now() + interval '1 hour', 50) RETURNING id`,
    );
    const path = `/operator/blocks/${block?.id}/lift`;
    return (await browser.submit(path, { reason: 'a test' }, '/operator/blocks')).status;
  },
  '/operator/views/save': async () => (await savedView()).answer.status,
  '/operator/views/:id/rename': async () => {
    const { browser, path } = await savedView();
    return (await browser.submit(`${path}/rename`, { name: 'another' }, '/operator/views')).status;
  },
  '/operator/views/:id/remove': async () => {
    const { browser, path } = await savedView();
    return (await browser.submit(`${path}/remove`, {}, '/operator/views')).status;
  },
  '/operator/drains/:name/pause': () => onDrain('pause'),
  '/operator/drains/:name/resume': async () => {
    await onDrain('pause');
    return onDrain('resume');
  },
  '/operator/drains/:name/rewind': () => onDrain('rewind', { from: '1' }),
  '/operator/sessions/end-all': async () => {
    const { browser } = await newOperator();
    const path = '/operator/sessions/end-all';
    const { status } = await browser.submit(path, { reason: 'a test', word: 'everybody' }, path);
    await worker.endAllSessions.endRemaining();
    return status;
  },
  '/forgot-password': async () => {
    const { email } = await newMember();
    return (await new Browser(web.url).submit('/forgot-password', { email })).status;
  },
};

/** Walked by tests whose stores are watched too: a code or a link from a mail has to be made first. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'password-reset': ['/reset-password'],
  'verify-email': ['/verify-email', '/invitation'],
  'new-device': ['/not-me', '/language'],
  'email-change': [
    ...['/account/email', '/account/email/take-back', '/confirm-email', '/undo-email-change'],
    '/operator/users/invite',
  ],
  invitations: ['/operator/users/invitations/:id/send-again', '/operator/users/invitations/:id/revoke'],
  'alerts-console': ['/operator/alerts/:rule/change', '/operator/alerts/:rule/test'],
  'api-tokens': [
    ...['/operator/users/:id/tokens/create', '/operator/users/:id/tokens/:tokenId/revoke'],
    '/account/security/tokens/:id/revoke',
  ],
  'secure-many': ['/operator/audit/secure'],
  'recovery-codes': ['/account/security/recovery-codes/kept'],
  activity: ['/account/activity/:seq/not-me', '/account/devices/:id/forget'],
  'forward-auth': ['/applications/sessions/:id/end'],
  'registry-console': [
    ...['/operator/groups/create', '/operator/groups/:id/add', '/operator/groups/:id/remove'],
    '/operator/groups/:id/members/:userId/remove',
    ...[
      '/operator/applications/register',
      '/operator/applications/:slug/change',
      '/operator/applications/:slug/remove',
    ],
    ...['/operator/applications/:slug/disable', '/operator/applications/:slug/enable'],
    ...['/operator/applications/:slug/end-sessions', '/operator/applications/:slug/people/:userId/end'],
  ],
  'second-factor': [
    '/login/second-factor',
    '/account/security/authenticator',
    '/account/security/authenticator/remove',
    '/account/security/recovery-codes',
  ],
};

/** Not watched: they need a browser that holds a passkey, or keep nothing in the database. */
const UNWATCHED = [
  ...['/login/second-factor/passkey', '/login/passkey', '/confirm/passkey', '/account/security/passkeys/new'],
  ...['/account/security/passkeys/:id/rename', '/account/security/passkeys/:id/remove'],
  ...['/operator/zone', '/operator/find'],
];

describe('every form', () => {
  test('is walked here, or known not to be', () => {
    const { router } = createApp(web.context, { draining: false, started: true });
    const posts = router.stack.filter(({ methods }) => methods.includes('POST')).map((layer) => String(layer.path));
    const known = [...Object.keys(WALK), ...Object.values(ELSEWHERE).flat(), ...UNWATCHED];
    const unknown = posts.filter((route) => !known.includes(route));
    expect(unknown).toEqual([]);
  });

  test.each(Object.keys(ELSEWHERE))('the stores of the test %s are watched', async (name) => {
    const source = (file: string) => readFile(path.resolve(`test/${file}.ts`), 'utf8');
    const own = await source(`integration/${name}.test`);
    const site = /\bstart(Mail|Alert)Site\(/.exec(own)?.[1]?.toLowerCase();
    const opening = site === undefined ? own : await source(`support/${site}-site`);
    expect(opening).toMatch(/await world\(\{[^;]*watched: true/);
  });

  test.each(Object.keys(WALK))('%s leaves an event with each change', async (route) => {
    const status = await WALK[route]?.();
    expect({ route, status }).toEqual({ route, status: expect.any(Number) });
    expect(status).toBeLessThan(400);
    expect(await silentChanges(stores.database)).toEqual([]);
  });
});

test('what operators do by command leaves an event with each change', async () => {
  const { id } = await newMember();
  await web.context.users.setRole(id, 'operator', by);
  await web.context.users.setRole(id, 'member', by);
  await web.context.users.setDisabled(id, true, by);
  await web.context.users.setDisabled(id, false, by);
  const told = {
    language: 'en',
    from: { at: new Date().toISOString(), device: 'the command line', ip: null },
  } as const;
  await web.context.accountDeletion.delete({ userId: id, ...by, sessionId: null, reason: 'a test', told });
  expect(await silentChanges(stores.database)).toEqual([]);
});

test.each(Object.keys(handlers))('the job %s leaves an event with each change', async (name) => {
  const { id } = await newMember();
  await sql(
    `UPDATE session SET absolute_deadline = now() - interval '1 second', idle_deadline = now() - interval '1 second' WHERE user_id = $1`,
    [id],
  );
  await sql(
    `INSERT INTO token (id, user_id, purpose, token_hash, expires_at) VALUES (gen_random_uuid(), $1, 'test', gen_random_uuid()::text::bytea, now() - interval '1 day')`,
    [id],
  );
  await sql(
    `UPDATE session SET ended_at = now() - interval '400 days', end_reason = 'expired', ending_seq = 1 WHERE id IN (SELECT id FROM session WHERE ended_at IS NOT NULL LIMIT 1)`,
  );
  await sql(
    `UPDATE login_attempt SET occurred_at = now() - interval '400 days' WHERE id IN (SELECT id FROM login_attempt LIMIT 1)`,
  );
  const payload = { sessionId: await sessionOf(id), reason: 'revoked', actor: null, origin: NO_ORIGIN };
  await handlers[name as 'end-session'](worker, payload);
  expect(await silentChanges(stores.database)).toEqual([]);
});

test('the watch has seen what it is for', async () => {
  for (const place of ['user_account', 'session', 'outbox', 'known_device', 'token', 'mail', 'login_attempt'])
    expect({ place, seen: (await changesOf(stores.database, place)) > 0 }).toEqual({ place, seen: true });
  expect(await changesOf(stores.database, 'session')).toBeGreaterThan(10);
  await query(
    stores.database.webUrl,
    `UPDATE user_account SET role = 'operator' WHERE role = 'member' AND NOT auditor`,
  );
  expect(await silentChanges(stores.database)).toEqual(['UPDATE user_account (role)']);
});
