// The first application, put in front by the console's words alone: registered there, its recipe copied into nginx as it stands, and
// opened. No file is written but the proxy's, and every step is one that a page names.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser } from '../../harness/chromium.ts';
import { makeFolder, type RunningProxy, startProxy } from '../../harness/proxies.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { PASSWORD } from '../support/app.ts';
import { type AskingSite, startAskingSite } from '../support/asking-site.ts';
import { proxiedWeb } from '../support/proxied.ts';
import { world } from '../support/world.ts';

const { publicUrl, env } = await proxiedWeb();
const { newOperator } = await world({ webs: [{ ...env, LANGUAGES: 'en' }] });
let site: AskingSite;
let chromium: Browser;
let proxy: RunningProxy | undefined;

beforeAll(async () => {
  [site, chromium] = await Promise.all([startAskingSite(), launchBrowser()]);
}, 240_000); // once it has to be fetched

afterAll(async () => {
  await chromium?.close();
  await proxy?.close();
  await site?.close();
});

async function logIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

test('is registered in the console, gets its recipe there, and is open behind a log-in that names it', async () => {
  const { email } = await newOperator();
  const listen = await freePort();
  const url = `http://wiki.localhost:${listen}`;
  const context = await chromium.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  await page.goto(`${publicUrl}/login`);
  await logIn(page, email);
  await page.getByRole('link', { name: 'Console' }).click();
  await page.getByRole('link', { name: 'Applications' }).click();
  await page.getByRole('link', { name: 'Register an application' }).click();
  await page.getByLabel('Slug').fill('wiki');
  await page.getByLabel('Name', { exact: true }).fill('The Wiki');
  await page.getByLabel('Origin', { exact: true }).fill(url);
  await page.getByLabel('Let in').selectOption('Everybody with an account');
  await page.getByLabel('Reason').fill('the first one');
  await page.getByRole('button', { name: 'Register it' }).click();
  await page.waitForURL('**/operator/applications/wiki?*');

  // The port stands in the origin already; where the application is, only its operator knows.
  expect(await page.getByLabel('The proxy listens on port').inputValue()).toBe(String(listen));
  expect(await page.getByLabel('Holdfast is at').inputValue()).toBe(publicUrl.replace('localhost', '127.0.0.1'));
  await page.getByLabel('The application is at').fill(site.url);
  await page.getByRole('button', { name: 'Fill in' }).click();
  await page.waitForURL('**#recipes');
  expect(await axe(page)).toEqual([]);
  await page.locator('summary', { hasText: 'nginx' }).click();
  await page.getByRole('button', { name: 'Copy for nginx' }).click();
  await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
  const text = await page.evaluate<string>('navigator.clipboard.readText()');
  proxy = await startProxy('nginx', { files: [{ name: 'wiki.conf', text }], folder: makeFolder(), port: listen });

  const visitor = await (await chromium.newContext()).newPage();
  await visitor.goto(`${url}/page`);
  expect(await visitor.locator('main').innerText()).toContain('You then go on to The Wiki.');
  expect(await axe(visitor)).toEqual([]);
  await logIn(visitor, email);
  await visitor.waitForURL(`${url}/page`);
  expect(await visitor.locator('#who').textContent()).toBe(email);
  await visitor.goto(`${publicUrl}/account`);
  expect(new URL(visitor.url()).pathname).toBe('/profile');
  await visitor.getByRole('navigation', { name: 'Account' }).getByRole('link', { name: 'Applications' }).click();
  expect(await visitor.locator('main').innerText()).toContain(new URL(url).host);
  await visitor.context().close();
  await context.close();
});
