// Back, reload and the rest of an address, as browsers do them: nothing ends at an error page of the browser, and people are where
// they were.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../harness/chromium.ts';
import { PASSWORD } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
let chromium: Browser;
let page: Page;
let email: string;

beforeAll(async () => {
  chromium = await launchBrowser();
  email = (await newOperator()).email;
  await worker.sealing.seal();
});

beforeEach(async () => {
  const viewport = { width: 1_280, height: 900 };
  page = await (await chromium.newContext({ baseURL: web.url, locale: 'en-GB', viewport })).newPage();
});

afterAll(async () => {
  await chromium?.close();
});

async function logInOn(address: string, password = PASSWORD): Promise<void> {
  if (address !== '') await page.goto(address);
  await page.getByLabel('E-mail address', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await answered;
  await page.waitForLoadState();
}

const where = () => page.url().slice(web.url.length);
const focused = () => page.evaluate<string>('document.activeElement.id || document.activeElement.tagName');

test('Back and reload after a form that was refused show the form’s page, and send nothing again', async () => {
  await logInOn('/login?next=%2Foperator%2Fgroups%2Fcreate');
  await page.getByLabel('Name', { exact: true }).fill('no name !');
  await page.getByRole('button', { name: 'Create the group' }).click();
  await page.getByText('Please correct:').waitFor();
  await page.getByRole('link', { name: 'Groups', exact: true }).click();
  await page.waitForURL('**/operator/groups');
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.method()));
  await page.goBack();
  expect([where(), await page.locator('h1').innerText()]).toEqual(['/operator/groups/create', 'Create a group']);
  await page.reload();
  expect(await page.locator('h1').innerText()).toBe('Create a group');
  expect(sent).not.toContain('POST');
});

test('the fragment of an address is still there after a log-in, also after a wrong password', async () => {
  await logInOn('/account/activity#event-7', 'not the password');
  await page.getByText('Wrong e-mail address or password.').waitFor();
  expect(where()).toBe('/login?next=%2Faccount%2Factivity#event-7');
  await logInOn('');
  await page.waitForURL('**/account/activity#event-7');
});

test('Back from an event leads to its row in the log', async () => {
  await logInOn('/login?next=%2Foperator%2Faudit');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const row = await focused();
  expect(row).toMatch(/^event-\d+$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/operator/audit/${row.slice('event-'.length)}`);
  await page.goBack();
  expect(await page.evaluate<string>("document.activeElement.closest('[data-row]')?.id")).toBe(row);
});

test('the keys of the log can be turned off and on again, without any of them', async () => {
  await logInOn('/login?next=%2Foperator%2Faudit');
  const keys = page.getByRole('button', { name: 'Keys', exact: true });
  await keys.click();
  await page.getByRole('button', { name: 'Turn them off' }).click();
  expect(await page.locator('dialog').innerText()).toContain('They are off in this browser.');
  await page.reload();
  for (const key of ['j', '/', '?']) await page.keyboard.press(key);
  expect([await focused(), await page.locator('dialog').isVisible()]).toEqual(['BODY', false]);
  await keys.click();
  await page.getByRole('button', { name: 'Turn them on' }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  expect(await focused()).toBe('person');
});

test('what is read out of a log that goes on is that it does, and not each event', async () => {
  await logInOn('/login?next=%2Foperator%2Faudit');
  const [state, count] = [page.locator('[data-live-state]'), page.locator('[data-live-count]')];
  await page.getByText('Live', { exact: true }).waitFor();
  await newOperator();
  await worker.sealing.seal();
  await page.getByText(/^: \d+ new$/).waitFor();
  expect([await state.textContent(), await count.getAttribute('role')]).toEqual(['Live', null]);
});

test('a page that looks after what goes on leads to the log-in once its session has ended', async () => {
  const { id: userId } = await newMember();
  const id = randomUUID();
  await sql("INSERT INTO securing_order (id, reason) VALUES ($1, 'a drill')", [id]);
  await sql('INSERT INTO securing_account (order_id, user_id) VALUES ($1, $2)', [id, userId]);
  await logInOn(`/login?next=%2Foperator%2Fsecuring%2F${id}`);
  expect(await page.locator('[data-look-again="going"]').count()).toBe(1);
  await page.context().clearCookies();
  await page.waitForURL(`**/login?next=%2Foperator%2Fsecuring%2F${id}`);
});

test('with every filter set, each still says what removing it removes', async () => {
  const filters = {
    ...{ type: 'authn_login_fail', person: email, address: '2001:db8::1:2:3:4', outcome: 'failure' },
    ...{ text: 'a word in the detail', from: '2026-11-01T00:00', to: '2026-11-30T00:00' },
  };
  await logInOn(`/login?next=${encodeURIComponent(`/operator/audit?${new URLSearchParams(filters)}`)}`);
  await page.setViewportSize({ width: 1_024, height: 800 });
  const widths = await page.evaluate<number[]>(
    "[...document.querySelectorAll('.chip bdi')].map((it) => it.clientWidth)",
  );
  expect(widths).toHaveLength(7);
  expect(Math.min(...widths)).toBeGreaterThan(40);
});

test('a filter that is wrong has the focus, and what is wrong is said of it', async () => {
  await logInOn('/login?next=%2Foperator%2Faudit%3Faddress%3Dabc%26from%3Dxyz');
  expect(await focused()).toBe('address');
  const from = page.getByLabel('From', { exact: true });
  expect([await from.getAttribute('aria-invalid'), await from.getAttribute('aria-describedby')]).toEqual([
    ...['true', 'problem'],
  ]);
  expect(await page.locator('#problem').innerText()).toContain('This is not an IP address');
});
