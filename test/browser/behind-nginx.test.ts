// A real browser, through a real nginx that sends another Referrer-Policy than ours: whatever it then says of where a form
// stands, people register, log in and out; and another site's form is still refused.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../../harness/chromium.ts';
import { type Nginx, startNginx } from '../../harness/nginx.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const port = await freePort();
const url = `https://localhost:${port}`;
const { web } = await world({
  webs: [{ NODE_ENV: 'production', PUBLIC_URL: url, TRUSTED_PROXIES: '127.0.0.1' }],
});
let chromium: Browser;
let nginx: Nginx;

/** The policy is chosen by a cookie, so that one proxy has them all; without one it is none of ours either. */
const POLICY = 'map $cookie_policy $policy { "" "no-referrer"; "none" ""; default $cookie_policy; }';
const HARDENED = 'proxy_hide_header Referrer-Policy; add_header Referrer-Policy $policy always;';

beforeAll(async () => {
  nginx = await startNginx({
    port,
    upstream: web.url,
    http: POLICY,
    location: HARDENED,
    logs: '$request_method $uri $status origin=$http_origin site=$http_sec_fetch_site',
  });
  chromium = await launchBrowser();
}, 240_000); // once it has to be fetched

afterAll(async () => {
  await chromium?.close();
  await nginx?.close();
});

async function open(policy: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await chromium.newContext({ baseURL: url, ignoreHTTPSErrors: true });
  await context.addCookies([{ name: 'policy', value: policy, url }]);
  return { context, page: await context.newPage() };
}

async function fill(page: Page, email: string, button: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.waitForLoadState();
}

const pathOf = (page: Page) => new URL(page.url()).pathname;
const posts = () => nginx.requests().filter((line) => line.startsWith('POST '));

describe.each([
  ['no-referrer', 'null'],
  ['same-origin', url],
  ['origin', url],
  ['strict-origin-when-cross-origin', url],
  ['unsafe-url', url],
  ['none', url],
])('under Referrer-Policy %s', (policy, origin) => {
  test('a person registers, logs out and in', async () => {
    const { context, page } = await open(policy);
    const before = posts().length;
    const email = newEmail();
    const answer = await page.goto('/register');
    expect(answer?.headers()['referrer-policy'] ?? 'none').toBe(policy);
    await fill(page, email, 'Create the account');
    expect(pathOf(page)).toBe('/profile');
    const names = (await context.cookies()).map(({ name }) => name);
    expect(names).toContain('__Host-session');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(`${url}/?done=logged-out`);
    await page.goto('/login');
    await fill(page, email, 'Log in');
    expect(pathOf(page)).toBe('/profile');
    await context.close();
    const said = `origin=${origin} site=same-origin`;
    expect(posts().slice(before)).toEqual([
      `POST /register 303 ${said}`,
      `POST /logout 303 ${said}`,
      `POST /login 303 ${said}`,
    ]);
  });
});

test('a form of another site is refused, under the same policy', async () => {
  const form = `<form method="post" action="${url}/login"><input name="email" value="a@example.org"><button>Go</button></form>`;
  const evil = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.end(form);
  });
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
  try {
    const { context, page } = await open('no-referrer');
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    await page.getByRole('button', { name: 'Go' }).click();
    await page.getByRole('heading', { name: 'This form did not come from here' }).waitFor();
    expect(posts().at(-1)).toBe('POST /login 403 origin=null site=cross-site');
    await context.close();
  } finally {
    evil.closeAllConnections();
    evil.close();
  }
});
