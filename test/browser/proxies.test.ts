// What a browser asks, by who asks it, in a real Chromium and over TLS through each of the proxies: a page, a form, a script's
// request, an image, a preflight, a WebSocket, going back, two tabs, two people. The table of docs/applications.md, as it is felt.
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Certificate, makeCertificate } from '../../harness/certificate.ts';
import { launchBrowser } from '../../harness/chromium.ts';
import { type Nginx, startNginx } from '../../harness/nginx.ts';
import { makeFolder, type RunningProxy, startProxy, withTls } from '../../harness/proxies.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { addApplication, addGroup, type TestApplication } from '../support/applications.ts';
import { type AskingSite, startAskingSite } from '../support/asking-site.ts';
import { PROXIES } from '../support/proxied.ts';
import { world } from '../support/world.ts';

const port = await freePort();
const publicUrl = `https://login.localhost:${port}`;
const { web, sql, redis } = await world({
  webs: [{ PUBLIC_URL: publicUrl, TRUSTED_PROXIES: '127.0.0.1', LANGUAGES: 'en' }],
});
const folder = makeFolder();
let certificate: Certificate;
let front: Nginx;
let site: AskingSite;
let chromium: Browser;

beforeAll(async () => {
  certificate = await makeCertificate(
    folder,
    ['login', ...PROXIES].map((name) => `${name}.localhost`),
  );
  [front, site, chromium] = await Promise.all([
    startNginx({ port, upstream: web.url, certificate }),
    startAskingSite(),
    launchBrowser({ believes: [certificate.fingerprint] }),
  ]);
}, 240_000); // once it has to be fetched

afterAll(async () => {
  await chromium?.close();
  await front?.close();
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Wishes {
  readonly data: readonly [status: number, body: unknown, challenge: string | null];
  readonly image: number | null;
  readonly socket: string | null;
}

/** What a page of the application gets that asks for data, an image and a WebSocket; `null`: an error without words. */
const WISH = `(async () => {
  const answer = await fetch('/data');
  const data = [answer.status, await answer.json(), answer.headers.get('WWW-Authenticate')];
  const image = await new Promise((resolve) => {
    const shown = new Image();
    shown.onload = () => resolve(shown.width);
    shown.onerror = () => resolve(null);
    shown.src = '/image?' + Math.random();
  });
  const socket = await new Promise((resolve) => {
    const opened = new WebSocket('wss://' + location.host + '/socket');
    opened.onmessage = ({ data }) => resolve(data);
    opened.onerror = () => resolve(null);
  });
  return { data, image, socket };
})()`;

describe.each(PROXIES)('through %s', (proxy) => {
  let url: string;
  let application: TestApplication;
  let running: RunningProxy;
  let context: BrowserContext;

  beforeAll(async () => {
    const listen = await freePort();
    url = `https://${proxy}.localhost:${listen}`;
    application = await addApplication(sql, { url, preflight: true });
    const own = makeFolder();
    const about = { name: 'The wiki', slug: application.slug, url };
    const recipe = writeRecipe(proxy, about, { listen, upstream: site.url, holdfast: web.url, folder: own });
    if (!recipe.ok) throw new Error(recipe.problem);
    running = await startProxy(proxy, { files: withTls(proxy, recipe.files, certificate), folder: own, port: listen });
  }, 240_000);
  afterAll(() => running?.close());

  beforeEach(async () => {
    context = await chromium.newContext();
    context.setDefaultTimeout(30_000);
  });
  afterEach(async () => {
    await context.close();
    await sql('DELETE FROM application_ticket'); // or the fifth entering would be a loop
  });

  async function known(): Promise<void> {
    const [row] = await sql<{ version: string }>('SELECT version FROM application_version');
    web.context.sessionCache.registry.note(Number(row?.version));
    await until(async () => (await web.context.forwardAuth.register.newest()).bySlug(application.slug) !== undefined);
  }

  async function change(assignments: string): Promise<void> {
    await sql(`UPDATE application SET ${assignments} WHERE id = $1`, [application.id]);
    await sql('UPDATE application_version SET version = version + 1');
    await known();
  }

  const who = (page: Page) => page.locator('#who').textContent();
  const asked = (page: Page) => page.locator('#asked').textContent();
  const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

  /** Somebody with an account, logged in at Holdfast in this browser. */
  async function register(page: Page): Promise<string> {
    const email = newEmail();
    await page.goto(`${publicUrl}/register`);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create the account' }).click();
    await page.waitForURL(`${publicUrl}/profile*`);
    return email;
  }

  async function fillIn(page: Page, email: string): Promise<void> {
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
  }

  /** Logged in, with a page of the application open. */
  async function inside(): Promise<{ page: Page; email: string }> {
    const page = await context.newPage();
    const email = await register(page);
    await page.goto(`${url}/`);
    expect(await who(page)).toBe(email);
    site.taken();
    return { page, email };
  }

  /** In another tab, at Holdfast itself. */
  async function logOutElsewhere(): Promise<void> {
    const tab = await context.newPage();
    await tab.goto(`${publicUrl}/profile`);
    await tab.getByRole('button', { name: 'Log out', exact: true }).click();
    await tab.waitForURL((now) => now.pathname !== '/profile');
    await tab.close();
  }

  const wish = (page: Page) => page.evaluate<Wishes>(WISH);

  /** What a page of another origin gets, whose request asks beforehand whether it may. */
  async function wishFromElsewhere(): Promise<unknown> {
    const page = await context.newPage();
    await page.goto(site.url);
    site.taken();
    const got = await page.evaluate(
      (address) =>
        fetch(address, { headers: { 'X-Wish': 'mine' }, credentials: 'include' }).then(
          (answer) => answer.text(),
          (error) => error.name,
        ),
      `${url}/shared`,
    );
    await page.close();
    return got;
  }

  test('whoever may be there has all of it', async () => {
    const { page, email } = await inside();
    expect(await wish(page)).toEqual({ data: [200, email, null], image: 1, socket: email });
    await page.getByRole('button', { name: 'Save' }).click();
    expect([await who(page), await asked(page)]).toEqual([email, 'POST /save']);
    expect(site.taken()).toEqual([
      'GET /data',
      expect.stringContaining('GET /image'),
      'WebSocket /socket',
      'POST /save',
    ]);
  });

  test('whoever is not logged in comes from a page to the log-in and back to it', async () => {
    const email = await register(await context.newPage());
    const [fresh] = [await chromium.newContext()];
    const page = await fresh.newPage();
    const path = '/a%2Fb/c;d?x=1&y=a+b%20c&z=%25&&';
    await page.goto(`${url}${path}#part`);
    expect(new URL(page.url()).origin).toBe(publicUrl);
    expect(site.taken()).toEqual([]);
    await fillIn(page, email);
    await page.waitForURL(`${url}${path}#part`);
    expect([await who(page), await asked(page)]).toEqual([email, `GET ${path}`]);
    await fresh.close();
  });

  test('whoever is not logged in any more is told so, and nothing reaches the application', async () => {
    const { page, email } = await inside();
    await logOutElsewhere();
    const unknown = [401, { error: 'login_required' }, 'Bearer error="login_required"'];
    expect(await wish(page)).toEqual({ data: unknown, image: null, socket: null });
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await heading(page)).toBe('This was not sent');
    expect(site.taken()).toEqual([]);

    // As the page says: log in in a new tab, and send it again.
    const opening = context.waitForEvent('page');
    await page.getByRole('link', { name: 'Log in' }).click();
    const tab = await opening;
    await tab.waitForURL(`${publicUrl}/login*`);
    await fillIn(tab, email);
    await tab.waitForURL(`${url}/`);
    await page.reload();
    expect([await who(page), await asked(page)]).toEqual([email, 'POST /save']);
  });

  test('a preflight passes without anybody’s name; what follows it needs a session', async () => {
    const { page } = await inside();
    // The cookie is not sent to another site (SameSite=Lax), so the request itself is nobody’s.
    expect(await wishFromElsewhere()).toBe('TypeError');
    expect(site.taken()).toEqual(['OPTIONS /shared']);
    await change('preflight = false');
    expect(await wishFromElsewhere()).toBe('TypeError');
    expect(site.taken()).toEqual([]);
    await change('preflight = true');
    expect((await wish(page)).data[0]).toBe(200);
  });

  test('whoever may not enter gets a page that says so, or a plain no', async () => {
    const { page } = await inside();
    const by = { actor: null, origin: NO_ORIGIN };
    await web.context.applications.setDisabled(application.id, true, by);
    await known();
    try {
      expect(await wish(page)).toEqual({ data: [403, { error: 'access_denied' }, null], image: null, socket: null });
      await page.getByRole('button', { name: 'Save' }).click();
      expect(await heading(page)).toBe('You may not enter this application');
      expect((await page.goto(`${url}/`))?.status()).toBe(403);
      expect(await heading(page)).toBe('You may not enter this application');
      expect(site.taken()).toEqual([]);
    } finally {
      await web.context.applications.setDisabled(application.id, false, by);
      await known();
    }
  });

  test('whom no group lets in gets our page, and comes in as soon as one does', async () => {
    await change('everybody = false');
    try {
      const page = await context.newPage();
      const email = await register(page);
      expect((await page.goto(`${url}/deep?er`))?.status()).toBe(403);
      expect([new URL(page.url()).origin, await heading(page)]).toEqual([
        publicUrl,
        `You may not enter Application ${application.slug.slice('app-'.length)}`,
      ]);
      expect(site.taken()).toEqual([]);
      const account = await web.context.users.findByEmail(email);
      await addGroup(sql, `group-${proxy}`, { applicationId: application.id, userIds: [account?.id ?? ''] });
      await known();
      await page.reload();
      await page.waitForURL(`${url}/deep?er`);
      expect(await who(page)).toBe(email);
    } finally {
      await change('everybody = true');
    }
  });

  test('whose log-in is too old proves anew who they are, and is back', async () => {
    const { page, email } = await inside();
    await change('recent_login_seconds = 600');
    try {
      await sql(
        `UPDATE session SET created_at = created_at - interval '1 hour', proved_at = proved_at - interval '1 hour'`,
      );
      await redis.flushdb();
      const old = { error: 'insufficient_user_authentication', max_age: 600 };
      const { data, image, socket } = await wish(page);
      expect(data).toEqual([401, old, 'Bearer error="insufficient_user_authentication", max_age=600']);
      expect([image, socket]).toEqual([null, null]);
      await page.getByRole('button', { name: 'Save' }).click();
      expect(await heading(page)).toBe('This was not sent');
      expect(site.taken()).toEqual([]);
      await page.goto(`${url}/kept?x=1`);
      expect(new URL(page.url()).pathname).toBe('/confirm');
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Confirm', exact: true }).click();
      await page.waitForURL(`${url}/kept?x=1`);
      expect(await who(page)).toBe(email);
    } finally {
      await change('recent_login_seconds = NULL');
    }
  });

  test('going back shows what was there, and never a dead end', async () => {
    const email = await register(await context.newPage());
    const fresh = await chromium.newContext();
    const page = await fresh.newPage();
    await page.goto(`${url}/first`);
    await fillIn(page, email);
    await page.waitForURL(`${url}/first`);
    await page.getByRole('link', { name: 'Next' }).click();
    await page.waitForURL(`${url}/next`);
    await page.goBack();
    expect([await who(page), await asked(page)]).toEqual([email, 'GET /first']);
    // Further back is the log-in: whoever is logged in comes through it to where it led.
    await page.goBack({ waitUntil: 'commit' }).catch(() => undefined);
    await page.waitForURL(`${url}/first`);
    expect(await who(page)).toBe(email);
    await fresh.close();
  });

  test('two tabs that were both led to the log-in both come back, each to its own page', async () => {
    const email = await register(await context.newPage());
    const fresh = await chromium.newContext();
    const [one, two] = [await fresh.newPage(), await fresh.newPage()];
    await one.goto(`${url}/one`);
    await two.goto(`${url}/two`);
    await fillIn(one, email);
    await one.waitForURL(`${url}/one`);
    await fillIn(two, email);
    await two.waitForLoadState();
    await two.goto(`${url}/two`);
    expect(await Promise.all([one, two].map(async (page) => [await who(page), await asked(page)]))).toEqual([
      [email, 'GET /one'],
      [email, 'GET /two'],
    ]);
    await fresh.close();
  });

  test('two people in two browsers are two; in one browser, one after the other', async () => {
    const [{ page, email }, other] = [await inside(), await chromium.newContext()];
    const theirs = await other.newPage();
    const second = await register(theirs);
    await theirs.goto(`${url}/`);
    await page.reload();
    expect([await who(page), await who(theirs)]).toEqual([email, second]);
    await logOutElsewhere();
    await page.goto(`${url}/next`);
    await fillIn(page, second);
    await page.waitForURL(`${url}/next`);
    expect([await who(page), (await wish(page)).socket]).toEqual([second, second]);
    await other.close();
  });
});
