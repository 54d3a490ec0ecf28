// A real browser in front of a real proxy: somebody opens an application, logs in by the form, is in, and out everywhere.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { axe, launchBrowser } from '../../harness/chromium.ts';
import { makeFolder, type RunningProxy, startProxy } from '../../harness/proxies.ts';
import { writeRecipe } from '../../src/core/forward-auth/recipes.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { PASSWORD } from '../support/app.ts';
import { addApplication, type TestApplication } from '../support/applications.ts';
import { world } from '../support/world.ts';

const [port, listen] = [await freePort(), await freePort()];
const publicUrl = `http://localhost:${port}`;
const holdfast = `http://127.0.0.1:${port}`;
const url = `http://wiki.localhost:${listen}`;
const { sql, newMember } = await world({
  webs: [{ PORT: String(port), PUBLIC_URL: publicUrl, TRUSTED_PROXIES: '127.0.0.1', LANGUAGES: 'en' }],
});
let wiki: TestApplication;
let upstream: string;
let proxy: RunningProxy;
let chromium: Browser;

const application = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html');
  const who = request.headers['holdfastemail'];
  response.end(`<title>Wiki</title><p id="who">${who}</p><p id="path">${request.url}</p><p id="method">${request.method}</p>
    <form method="post" action="/save"><button>Save</button></form>`);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  upstream = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
  wiki = await addApplication(sql, { url });
  const folder = makeFolder();
  const about = { name: 'The Wiki', slug: wiki.slug, url };
  const recipe = writeRecipe('nginx', about, { listen, upstream, holdfast, folder });
  if (!recipe.ok) throw new Error(recipe.problem);
  proxy = await startProxy('nginx', { files: recipe.files, folder, port: listen });
  chromium = await launchBrowser();
}, 240_000); // once it has to be fetched

afterAll(async () => {
  await chromium?.close();
  await proxy?.close();
  application.closeAllConnections();
  await new Promise((resolve) => application.close(resolve));
});

async function open(): Promise<{ context: BrowserContext; page: Page }> {
  const context = await chromium.newContext();
  return { context, page: await context.newPage() };
}

async function logIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

test('opening a page leads through the log-in to it; a form is sent; logging out is logging out everywhere', async () => {
  const { email } = await newMember();
  const { context, page } = await open();
  const path = '/a%2Fb?x=1&y=a+b';
  await page.goto(url + path);
  expect(new URL(page.url()).origin).toBe(publicUrl);
  await logIn(page, email);
  await page.waitForURL(url + path);
  expect(await page.locator('#who').textContent()).toBe(email);
  expect(await page.locator('#path').textContent()).toBe(path);
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.locator('#method').textContent()).toBe('POST');

  // Another tab needs no log-in; our own pages know of it.
  const tab = await context.newPage();
  await tab.goto(`${publicUrl}/applications`);
  await tab.getByRole('link', { name: /^Application \d+$/ }).click();
  await tab.waitForURL(`${url}/`);
  expect(await tab.locator('#who').textContent()).toBe(email);

  await tab.goto(`${url}/.holdfast/logout`);
  expect(await axe(tab)).toEqual([]);
  await tab.getByRole('button', { name: 'Log out everywhere' }).click();
  expect(await tab.getByRole('heading').textContent()).toBe('You are logged out');
  // What was open is not sent, and says so.
  await page.goBack();
  await page.getByRole('button', { name: 'Save' }).click();
  expect(await page.getByRole('heading').textContent()).toBe('This was not sent');
  expect(await axe(page)).toEqual([]);
  await context.close();
});

test('where the cookie does not come back, a page says why before the browser gives up', async () => {
  const at = await freePort();
  const broken = { slug: 'broken', url: `http://broken.localhost:${at}`, name: 'Broken' };
  const { slug } = await addApplication(sql, { url: broken.url });
  const recipe = writeRecipe('nginx', { ...broken, slug }, { listen: at, upstream, holdfast });
  if (!recipe.ok) throw new Error(recipe.problem);
  const keepsCookies = 'location = /.holdfast-check {\nproxy_set_header Cookie "";';
  const files = recipe.files.map(({ name, text }) => {
    return { name, text: text.replace('location = /.holdfast-check {', keepsCookies) };
  });
  const { email } = await newMember();
  const running = await startProxy('nginx', { files, folder: makeFolder(), port: at });
  const { context, page } = await open();
  try {
    await page.goto(`${publicUrl}/login`);
    await logIn(page, email);
    await page.waitForURL(`${publicUrl}/profile`);
    const answer = await page.goto(broken.url);
    expect(answer?.status()).toBe(429);
    expect(await page.getByRole('heading').textContent()).toContain('does not keep you logged in');
    expect(await axe(page)).toEqual([]);
  } finally {
    await context.close();
    await running.close();
  }
});
