// A whole Holdfast with mail, for tests about it: watched stores, a real SMTP server, a web process, and a worker that sends what
// is due when it is told to.
import { afterAll } from '@jest/globals';
import type { TestStores } from '../../harness/stores.ts';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, type TestProcess } from './app.ts';
import { type MailServer, startMailServer } from './mail-server.ts';
import { world } from './world.ts';

export interface MailSite {
  readonly stores: TestStores;
  readonly server: MailServer;
  readonly web: TestProcess;
  readonly worker: Context;
  /** One more of the first, closed with the site. */
  startWeb(more?: Readonly<Record<string, string>>): Promise<TestProcess>;
  /** What further processes of the test need. */
  readonly env: Readonly<Record<string, string>>;
  /** At the web process, or at another. */
  browser(url?: string): Browser;
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Has what is due sent. */
  send(): Promise<number>;
  /** Somebody with an account, logged in; where accounts are open. */
  registered(): Promise<{ email: string; member: Browser; userId: string }>;
  /** The path of the link in the newest mail to an address that has one; waits for more than `after` mails. */
  linkTo(address: string, after?: number): Promise<string>;
}

/** As `world`, only at the top of a test file. */
export async function startMailSite(more: Readonly<Record<string, string>> = {}): Promise<MailSite> {
  const server = await startMailServer();
  const env = { SMTP_URL: server.url, MAIL_FROM: 'login@example.org', ...more };
  const { stores, web, worker, sql, startWeb } = await world({ webs: [env], worker: env, watched: true });
  afterAll(() => server.stop());
  const send = () => worker.mailDelivery.sendDue();
  const browser = (url = web.url) => new Browser(url);
  return {
    stores,
    server,
    web,
    worker,
    env,
    startWeb: (others = {}) => startWeb({ ...env, ...others }),
    browser,
    sql,
    send,
    async registered() {
      const email = newEmail();
      const member = browser();
      await member.register(email);
      const [row] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
      return { email, member, userId: row?.id ?? '' };
    },
    async linkTo(address, after = 0) {
      await send();
      await server.mailTo(address, after, send);
      const url = new URL(server.mailsTo(address).findLast(({ link }) => link)?.link ?? '');
      return url.pathname + url.search;
    },
  };
}
