// A web process as it is tried by hand, byte for byte, beside one in production: with a form of a visitor and one of a member.
import { beforeAll } from '@jest/globals';
import { type Answer, askAt, type OpenForm, openForm } from './answers.ts';
import { Browser, newEmail, PASSWORD, setCookie } from './app.ts';
import { world } from './world.ts';

export const FORM = 'application/x-www-form-urlencoded';
export const PUBLIC_HOST = 'login.example.org';

const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: `https://${PUBLIC_HOST}`,
  SESSION_KEYS: 'a-key-for-production-tests-that-is-long-enough',
};

export const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

/** `other` is in production. The two forms are there once the first test runs. */
export async function askedWorld() {
  const opened = await world({ webs: [{}, PRODUCTION], worker: true });
  const { web } = opened;
  const visitor: OpenForm = { cookie: '', token: '' };
  const member: OpenForm = { cookie: '', token: '' };

  beforeAll(async () => {
    Object.assign(visitor, await openForm(web.url, '/login', ''));
    const registered = await new Browser(web.url).register(newEmail());
    const cookie = setCookie(registered, 'holdfast_session')?.split(';')[0] ?? '';
    Object.assign(member, await openForm(web.url, '/account/password', cookie));
  });

  const ask = (path: string, init: RequestInit = {}, on = web) => askAt(on.url, path, init);

  return {
    opened,
    visitor,
    member,
    ask,

    /** With the visitor's cookie, unless `headers` has another. */
    post(path: string, body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Answer> {
      const sent = { cookie: visitor.cookie, 'content-type': FORM, ...headers };
      return ask(path, { method: 'POST', headers: sent, body: body ?? null });
    },

    /** The fields of a log-in by the visitor. */
    login: (more: Record<string, string> = {}) =>
      form({ email: 'a@example.org', password: PASSWORD, _csrf: visitor.token, ...more }),
  };
}
