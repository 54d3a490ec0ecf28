// Who may ask for what: every route that the application has is either on the list of public ones or refuses strangers.
// A route that somebody adds without a guard fails here.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type Router from '@koa/router';
import type Koa from 'koa';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createApp } from '../../src/web/app.ts';
import { isForMembers } from '../../src/web/session/access.ts';
import { formPage } from '../../src/web/view/form-page.ts';
import { Browser, newEmail } from '../support/app.ts';
import { world } from '../support/world.ts';

/** For everybody. Whoever adds to this list has thought about who may see the page. */
const PUBLIC = [
  'GET /',
  'GET /register',
  'POST /register',
  'GET /login',
  'POST /login',
  'POST /language',
  'GET /.well-known/change-password',
  'GET /.well-known/holdfast-keys.json',
  'GET /.well-known/security.txt',
  'GET /robots.txt',
  'GET /register/sent',
  'GET /forgot-password',
  'POST /forgot-password',
  'GET /forgot-password/sent',
  'GET /not-me',
  'POST /not-me',
  'GET /reset-password',
  'POST /reset-password',
  'GET /verify-email',
  'POST /verify-email',
  'GET /invitation',
  'POST /invitation',
  'GET /confirm-email',
  'POST /confirm-email',
  'GET /undo-email-change',
  'POST /undo-email-change',
  'GET /dev/mail',
  // It asks for a token.
  'GET /api/audit',
  // The steps of a log-in: the second, which its own cookie opens, and the one with a passkey.
  'GET /login/second-factor',
  'POST /login/second-factor',
  'GET /login/second-factor/passkey',
  'POST /login/second-factor/passkey',
  'GET /login/passkey',
  'POST /login/passkey',
];

/** Of the forms of those who are logged in, the ones that take any session. Whoever adds to this list has thought about a stolen one. */
const AT_ANY_TIME = [
  'POST /logout',
  // They ask who it is themselves.
  'POST /confirm',
  'POST /confirm/passkey',
  'POST /account/password',
  // They take away what waits or is shown, or name and show things differently.
  'POST /account/email/take-back',
  'POST /account/security/recovery-codes/kept',
  'POST /account/security/passkeys/:id/rename',
  'POST /applications/sessions/:id/end',
  'POST /operator/zone',
  // It leads to a page, which records who looks at it.
  'POST /operator/find',
  // Bookmarks of one's own.
  'POST /operator/views/save',
  'POST /operator/views/:id/rename',
  'POST /operator/views/:id/remove',
];

/** The pages that need a recent log-in by themselves: they show or hand out secrets, or are the act. */
const NOT_SHOWN_LATER = [
  '/account/security/authenticator',
  '/account/security/passkeys/new',
  '/account/security/recovery-codes',
  '/account/security/recovery-codes/download',
  '/operator/audit/export',
];

/** Outside the router, and public too: probes, assets. */
const OUTSIDE = ['/healthz', '/readyz', '/favicon.ico'];

const ID = '018f0000-0000-7000-8000-000000000000';

interface Route {
  readonly method: string;
  readonly path: string;
  readonly name: string;
}

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
let router: Router;
let server: Server;
let url: string;
let member: Browser;
let memberId: string;

beforeAll(async () => {
  const application = createApp(web.context, { draining: false, started: true });
  router = application.router;
  application.streams.end(); // those that are opened end at once, or the test would wait for them
  server = createServer(application.app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ({ browser: member, id: memberId } = await newMember(url));
});

afterAll(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

function routes(): Route[] {
  return router.stack.flatMap(({ path, methods }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => ({
        method,
        path: String(path).replaceAll(/[:*]\w+/g, ID),
        name: `${method} ${String(path)}`,
      })),
  );
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const BY = { actor: null, origin: NO_ORIGIN };

/** Puts the deadline of somebody's session into the past, in both stores. */
async function runOut(userId: string): Promise<void> {
  const rows = await sql<{ token_hash: Buffer }>(
    "UPDATE session SET idle_deadline = now() - interval '1 second' WHERE user_id = $1 RETURNING token_hash",
    [userId],
  );
  for (const { token_hash } of rows) await web.context.redis.del(`s:${token_hash.toString('base64url')}`);
}

const cookiesOf = ({ agent }: Browser) =>
  agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false }).toValueString();

/** What each operators' path answers to each method, for whoever has these cookies. */
async function asked(cookie: string, token: string): Promise<(readonly [string, number])[]> {
  const answers: (readonly [string, number])[] = [];
  for (const { path, name } of forOperators()) {
    const ofPath = METHODS.map(async (method) => {
      const body = ['GET', 'HEAD'].includes(method) ? {} : { body: new URLSearchParams({ _csrf: token }) };
      const response = await fetch(`${url}${path}`, { redirect: 'manual', headers: { cookie }, method, ...body });
      await response.body?.cancel();
      return [`${method} ${name}`, response.status] as const;
    });
    answers.push(...(await Promise.all(ofPath)));
  }
  return answers;
}

const guarded = () => routes().filter(({ name }) => !PUBLIC.includes(name));
const forOperators = () => guarded().filter(({ path }) => path.startsWith('/operator'));

test('the forms of those who are logged in are told by their paths', () => {
  const forms = routes().filter(({ method, path }) => method === 'POST' && path !== '/logout');
  const wrong = forms.filter(({ name, path }) => isForMembers(path) === PUBLIC.includes(name));
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('every form stands on a page that can be asked for, so that whoever chooses a language is led back to it', async () => {
  const pages = routes().filter(({ method }) => method === 'GET');
  const stray: string[] = [];
  for (const { method, path, name } of routes()) {
    if (method !== 'POST') continue;
    const page = await formPage({ path, url: path, req: {} } as Koa.Context);
    if (!pages.some((one) => one.path === page)) stray.push(name);
  }
  expect(stray).toEqual([]);
});

async function send(browser: Browser, { method, path }: Route, formPage: string) {
  if (method === 'GET') return browser.get(path);
  expect(method).toBe('POST');
  return browser.submit(path, {}, formPage);
}

/** The routes that let a stranger in, or answer with anything but the way to the log-in. */
async function unguarded(): Promise<string[]> {
  const open: string[] = [];
  for (const route of guarded()) {
    const response = await send(new Browser(url), route, '/login');
    const next = route.method === 'GET' ? `?next=${encodeURIComponent(route.path)}` : '';
    const right = response.status === 303 && response.headers['location'] === `/login${next}`;
    if (!right) open.push(`${route.name}: ${response.status}`);
  }
  return open;
}

/** The operators' routes that do not refuse a member. */
async function openToMembers(): Promise<string[]> {
  const open: string[] = [];
  for (const route of forOperators()) {
    const response = await send(member, route, '/profile');
    if (response.status !== 403 || !response.text.includes('You may not see this page')) open.push(route.name);
  }
  return open;
}

describe('every route', () => {
  test('is one that this test has seen', () => {
    const names = routes().map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(14);
    expect(names).toEqual(expect.arrayContaining(PUBLIC));
    for (const { method } of routes()) expect(['GET', 'POST']).toContain(method);
    for (const layer of router.stack) expect(typeof layer.path).toBe('string');
  });

  test('sends a stranger to the log-in, and a reader back to the page afterwards', async () => {
    expect(await unguarded()).toEqual([]);
  });

  test('sends a session that has ended to the log-in too', async () => {
    const browser = new Browser(url);
    await browser.register(newEmail());
    const token = await browser.token('/profile');
    const cookie = `${browser.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false }).toValueString()}`;
    await browser.logOut();
    for (const { method, path, name } of guarded()) {
      const body = method === 'POST' ? { method, body: new URLSearchParams({ _csrf: token }) } : {};
      const response = await fetch(`${url}${path}`, { redirect: 'manual', headers: { cookie }, ...body });
      expect([name, response.status]).toEqual([name, 303]);
      expect(response.headers.get('location')).toMatch(/^\/login/);
    }
  });

  test.each([
    ['whose account was disabled', (id: string) => web.context.users.setDisabled(id, true, BY)],
    ['who was made a member', (id: string) => web.context.users.setRole(id, 'member', BY)],
    [
      'whose session was ended by another',
      (id: string) => web.context.sessions.end({ userId: id }, { ...BY, reason: 'revoked_by_operator' }),
    ],
    [
      'whose session was ended with everybody’s',
      async () => {
        const [own] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [memberId]);
        await web.context.endAllSessions.ask({ ...BY, reason: 'a test', kept: own?.id ?? null });
      },
    ],
    ['whose session has run out', runOut],
  ])('lets in no operator %s, by any method', async (_who, end: (id: string) => Promise<unknown>) => {
    await newOperator(url); // the last operator can't be disabled
    const { browser, id } = await newOperator(url);
    expect((await browser.get('/operator/audit')).status).toBe(200);
    const token = await browser.token('/profile');
    await end(id);
    for (const [name, status] of await asked(cookiesOf(browser), token)) {
      expect([name, status < 300 || status >= 500]).toEqual([name, false]);
    }
  });

  test('that acts on something asks an operator who logged in long ago who it is', async () => {
    const { browser, id } = await newOperator(url);
    await sql(
      `UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = NULL WHERE user_id = $1`,
      [id],
    );
    const token = await browser.token('/profile');
    const open: string[] = [];
    for (const { method, path, name } of guarded()) {
      if (method !== 'POST' || AT_ANY_TIME.includes(name)) continue;
      const { headers } = await browser.agent.post(path).redirects(0).type('form').send({ _csrf: token });
      if (!String(headers['location']).startsWith('/confirm?next=')) open.push(name);
    }
    expect(open).toEqual([]);
    for (const path of NOT_SHOWN_LATER)
      expect((await browser.get(path)).headers['location']).toBe(`/confirm?next=${encodeURIComponent(path)}`);
  });

  test('of operators lets in no member, by any method', async () => {
    const browser = new Browser(url);
    await browser.register(newEmail());
    for (const [name, status] of await asked(cookiesOf(browser), await browser.token('/profile'))) {
      expect([name, [403, 404, 405].includes(status)]).toEqual([name, true]);
    }
  });

  test('is not reached by another spelling of its address', async () => {
    for (const path of [
      '/PROFILE',
      '/profile/',
      '//profile',
      '/Operator/audit',
      '/operator/audit/',
      '/operator%2faudit',
    ]) {
      const response = await new Browser(url).get(path);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test('outside the router shows nothing of anybody', async () => {
    for (const path of OUTSIDE) {
      const response = await member.get(path);
      expect(response.status).toBe(200);
      expect(response.headers['set-cookie']).toBeUndefined();
    }
    expect((await member.get('/healthz')).body).toEqual({ status: 'ok' });
    expect((await member.get('/readyz')).body).toEqual({ status: 'ok' });
  });
});

describe('an operators’ route', () => {
  test('refuses a member, and the refusal is recorded', async () => {
    expect(forOperators().length).toBeGreaterThanOrEqual(5);
    await worker.sealing.seal();
    const [{ seq: before } = { seq: '0' }] = await sql<{ seq: string }>('SELECT seq FROM audit_head');
    expect(await openToMembers()).toEqual([]);
    await worker.sealing.seal();
    const events = await sql<{ type: string; outcome: string; actor_id: string; session_id: string; detail: object }>(
      'SELECT type, outcome, actor_id, session_id, detail FROM audit_event WHERE seq > $1 ORDER BY seq',
      [before],
    );
    expect(events).toEqual(
      forOperators().map(({ method, path }) => ({
        type: 'authz_fail',
        outcome: 'failure',
        actor_id: memberId,
        session_id: expect.any(String),
        detail: { method, path },
      })),
    );
  });

  test('is open to an operator', async () => {
    const email = newEmail();
    const operator = new Browser(url);
    await operator.register(email);
    const user = await web.context.users.findByEmail(email);
    const origin = { ip: null, userAgent: null, requestId: null };
    await web.context.users.setRole(user?.id ?? '', 'operator', { actor: null, origin });
    await operator.logIn(email);
    for (const route of forOperators()) {
      const response = await send(operator, route, '/profile');
      // Asked without what its form would send, or for what is not there: refused for that, not for who asks.
      const open = response.status < 400 || response.status === 404 || response.status === 422;
      expect([route.name, open]).toEqual([route.name, true]);
    }
    expect((await operator.get('/operator/audit')).status).toBe(200);
    expect((await operator.get('/operator/users')).status).toBe(200);
  });
});

describe('this test', () => {
  test('finds a route without a guard, and an operators’ route with a member’s guard', async () => {
    const { requireMember } = await import('../../src/web/session/access.ts');
    router.get('/forgotten', (ctx) => {
      ctx.body = 'for everybody';
    });
    router.post('/forgotten/:id', (ctx) => {
      ctx.body = 'for everybody';
    });
    router.get('/operator/forgotten', requireMember, (ctx) => {
      ctx.body = 'for every member';
    });
    try {
      expect(await unguarded()).toEqual(['GET /forgotten: 200', 'POST /forgotten/:id: 200']);
      expect(await openToMembers()).toEqual(['GET /operator/forgotten']);
    } finally {
      router.stack.splice(-3);
    }
  });
});
