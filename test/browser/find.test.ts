// An operator at night, in a real browser against a real Holdfast: from the overview's search to a session from log-in to end, to
// several types in the log; with JavaScript, without, by keyboard, on a phone.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../../harness/chromium.ts';
import { PASSWORD } from '../support/app.ts';
import { complaintsOf } from '../support/complaints.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
let chromium: Browser;
let operatorEmail: string;
let person: { id: string; email: string };
let session: string;

beforeAll(async () => {
  chromium = await launchBrowser();
  operatorEmail = (await newOperator()).email;
  const member = await newMember();
  person = member;
  await member.browser.get('/operator'); // refused
  await worker.sealing.seal();
  const [row] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [member.id]);
  session = row?.id ?? '';
});

afterAll(async () => {
  await chromium?.close();
});

async function operatorPage(javaScriptEnabled: boolean, width: number): Promise<{ page: Page; complaints: string[] }> {
  const viewport = { width, height: 900 };
  const context = await chromium.newContext({ baseURL: web.url, locale: 'en-GB', javaScriptEnabled, viewport });
  const page = await context.newPage();
  const complaints = complaintsOf(page, web.url);
  await page.goto('/login?next=%2Foperator');
  await page.getByLabel('E-mail address', { exact: true }).fill(operatorEmail);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.waitForURL('**/operator');
  return { page, complaints };
}

async function find(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Find' }).fill(text);
  await page.getByRole('button', { name: 'Find', exact: true }).click();
  await page.waitForLoadState();
}

const pathOf = (page: Page) => new URL(page.url()).pathname;
/** How far the page can be pushed sideways. */
const sideways = (page: Page) => page.evaluate<number>('(scrollTo(10_000, scrollY), scrollX)');

describe.each([
  ['with JavaScript', true, 1_280],
  ['without JavaScript', false, 1_280],
  ['on a phone', true, 375],
  ['on a phone without JavaScript', false, 375],
])('%s', (_, javaScript, width) => {
  test('the search leads to a person, from there to a session’s timeline, and on to an event and back', async () => {
    const { page, complaints } = await operatorPage(javaScript, width);
    await find(page, person.email.slice(0, -4));
    expect(pathOf(page)).toBe(`/operator/users/${person.id}`);
    await page.getByRole('link', { name: 'From log-in to now' }).click();
    await page.waitForURL(`**/operator/sessions/${session}`);
    expect(await page.locator('h1').innerText()).toBe(`Session of ${person.email}`);
    expect(await page.locator('.timeline li').count()).toBeGreaterThanOrEqual(3);
    expect(await page.locator('.timeline').innerText()).toContain('Access refused');
    expect(await sideways(page)).toBe(0);
    if (javaScript) expect(await axe(page)).toEqual([]);
    if (javaScript) await screenshot(page, `session-timeline-${width}`);
    await page.getByRole('link', { name: 'Access refused' }).click();
    await page.getByRole('link', { name: session }).click();
    await page.waitForURL(`**/operator/sessions/${session}`);

    await page.goto('/operator');
    await find(page, 'nobody@example.net');
    expect(pathOf(page)).toBe('/operator/find');
    expect(page.url()).not.toContain('nobody');
    expect(await page.locator('.empty strong').innerText()).toBe('Nothing is found for “nobody@example.net”.');
    if (javaScript) expect(await axe(page)).toEqual([]);
    // From one of several meanings back to all of them, without sending anything again.
    await find(page, 'person-');
    expect(await page.locator('.found li').count()).toBeGreaterThanOrEqual(2);
    await page.locator('.found a').first().click();
    await page.waitForURL('**/operator/users/*');
    await page.goBack();
    expect(await page.locator('.found li').count()).toBeGreaterThanOrEqual(2);
    expect(await sideways(page)).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('several types are ticked, and left out; a quick range is one click', async () => {
    const { page, complaints } = await operatorPage(javaScript, width);
    await page.goto('/operator/audit');
    await openTypes(page);
    await page.getByLabel('Access refused', { exact: true }).check();
    await page.getByLabel('Session began', { exact: true }).check();
    expect(await sideways(page)).toBe(0);
    if (javaScript) expect(await axe(page)).toEqual([]);
    if (javaScript) await screenshot(page, `several-types-${width}`);
    await page.getByRole('button', { name: 'Show these' }).click();
    await page.waitForURL('**/operator/audit?*');
    const shown = async () => new Set(await page.locator('#rows tbody .c-type a').allInnerTexts());
    expect(await shown()).toEqual(new Set(['Access refused', 'Session began']));
    await openTypes(page);
    await page.getByLabel('all but the ticked ones').check();
    await page.getByRole('button', { name: 'Show these' }).click();
    await page.waitForURL('**as=not**');
    expect([...(await shown())].filter((title) => /^(Access refused|Session began)$/.test(title))).toEqual([]);
    await page.getByRole('link', { name: 'Last hour' }).click();
    await page.waitForURL('**time=1h**');
    expect(await page.locator('.chips').innerText()).toContain('Time: last hour');
    expect(page.url()).toContain('not=');
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

/** On a phone they unfold with the filters. */
async function openTypes(page: Page): Promise<void> {
  const unfold = page.locator('.unfold a');
  if (await unfold.isVisible()) await unfold.click();
  await page.getByText('Several types, or not these').click();
}

test('by keyboard alone: to the search, what is found, its session', async () => {
  const { page } = await operatorPage(true, 1_280);
  await page.keyboard.press('/');
  expect(await page.evaluate('document.activeElement.id')).toBe('find');
  await page.keyboard.type(session);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/operator/sessions/${session}`);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.className')).toBe('skip');
  await page.context().close();
});
