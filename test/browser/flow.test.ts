// The whole way of a person through a real Holdfast in a real browser: register, log in, look at the sessions, end one
// from another browser; with JavaScript and without. An operator reads of it in the log.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { axe, launchBrowser } from '../../harness/chromium.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail, PASSWORD, type TestProcess } from '../support/app.ts';
import { complaintsOf } from '../support/complaints.ts';
import { world } from '../support/world.ts';

const { stores, web, other, worker } = await world({ webs: 2, worker: true });
let chromium: Browser;

beforeAll(async () => {
  chromium = await launchBrowser();
});

afterAll(async () => {
  await chromium?.close();
});

interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of: errors, refusals of the CSP, failed requests, anything asked elsewhere. */
  readonly complaints: string[];
}

async function newPerson({
  javaScript = true,
  on = web,
}: {
  javaScript?: boolean;
  on?: TestProcess;
} = {}): Promise<Person> {
  const context = await chromium.newContext({
    baseURL: on.url,
    locale: 'en-GB',
    reducedMotion: 'reduce',
    javaScriptEnabled: javaScript,
  });
  const page = await context.newPage();
  const complaints = complaintsOf(page, on.url);
  page.on('requestfailed', (request) => {
    // The stream of new events ends when its page is left.
    if (!request.url().includes('/operator/audit/live')) complaints.push(`failed: ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  return { context, page, complaints };
}

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

/** Goes on only once the page that it leads to is there whole: leaving it earlier would count as a failed request. */
async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  await page.waitForLoadState();
}
const heading = (page: Page) => page.locator('h1').innerText();
const pathOf = (page: Page) => new URL(page.url()).pathname;

async function register(page: Page, email: string): Promise<void> {
  await page.goto('/');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await fill(page, { 'E-mail address': email, Password: PASSWORD });
  await press(page, 'Create the account');
  expect(pathOf(page)).toBe('/profile');
}

async function logIn(page: Page, email: string, remember = false): Promise<void> {
  await page.goto('/login');
  await fill(page, { 'E-mail address': email, Password: PASSWORD });
  if (remember) await page.getByLabel('Keep me logged in on this browser').check();
  await press(page, 'Log in');
}

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('%s', (_, javaScript) => {
  test('a person registers, logs out and in, and ends a session from another browser', async () => {
    const email = newEmail();
    const first = await newPerson({ javaScript });
    await register(first.page, email);
    expect(await heading(first.page)).toBe('Profile');
    expect(await first.page.locator('dl').first().innerText()).toContain(email);

    await press(first.page, 'Log out');
    expect(pathOf(first.page)).toBe('/');
    await first.page.goto('/account/sessions');
    expect(pathOf(first.page)).toBe('/login');

    // The page that was asked for is the one that the log-in leads to.
    await fill(first.page, { 'E-mail address': email.toUpperCase(), Password: PASSWORD });
    await first.page.getByLabel('Keep me logged in on this browser').check();
    await press(first.page, 'Log in');
    expect(pathOf(first.page)).toBe('/account/sessions');
    expect(await heading(first.page)).toBe('Sessions');
    expect(await first.page.getByText('You are logged in nowhere else.').count()).toBe(1);
    const [cookie] = (await first.context.cookies()).filter(({ name }) => name === 'holdfast_session');
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    expect((cookie?.expires ?? 0) - Date.now() / 1_000).toBeGreaterThan(179 * 86_400);

    const second = await newPerson({ javaScript, on: other });
    await logIn(second.page, email);
    expect(pathOf(second.page)).toBe('/profile');
    const [short] = (await second.context.cookies()).filter(({ name }) => name === 'holdfast_session');
    expect(short?.expires).toBe(-1);

    await first.page.reload();
    expect(await first.page.locator('[id^="session-"]').count()).toBe(2);
    expect(await first.page.locator('[id^="session-"]').first().innerText()).toContain('This browser');
    await press(first.page, 'End this session');
    expect(await first.page.locator('.notice').innerText()).toBe('That session has ended.');
    expect(await first.page.locator('[id^="session-"]').count()).toBe(1);

    await second.page.getByRole('link', { name: 'Sessions', exact: true }).click();
    expect(pathOf(second.page)).toBe('/login');
    expect(await second.page.locator('.notice').innerText()).toBe(
      'You ended this session from another browser. Log in to go on.',
    );
    await second.page.reload();
    expect(await second.page.locator('.notice').count()).toBe(0);

    expect(first.complaints).toEqual([]);
    expect(second.complaints).toEqual([]);
    await Promise.all([first.context.close(), second.context.close()]);
  });

  test('a form that was not right says so beside its fields, and goes on from there', async () => {
    const email = newEmail();
    const { page, context } = await newPerson({ javaScript });
    await page.goto('/register?next=%2Faccount%2Fpassword');
    await fill(page, { 'E-mail address': 'nobody', Password: 'short' });
    await press(page, 'Create the account');
    expect(await page.getByRole('alert').innerText()).toContain('Please correct: E-mail address, Password');
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('nobody');
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
    expect(await page.locator('#password-note').innerText()).toContain('Use at least 8 characters');
    await fill(page, { 'E-mail address': email, Password: PASSWORD });
    await press(page, 'Create the account');
    expect(pathOf(page)).toBe('/account/password');
    await fill(page, { 'Current password': 'wrong password', 'New password': 'another long password' });
    await press(page, 'Change the password');
    expect(await page.locator('#current-note').innerText()).toContain('This is not your current password.');
    await fill(page, { 'Current password': PASSWORD, 'New password': 'another long password' });
    await press(page, 'Change the password');
    expect(pathOf(page)).toBe('/account/sessions');
    expect(await page.locator('.notice').innerText()).toContain('Your password was changed');
    await context.close();
  });

  test('double clicks do no harm', async () => {
    const email = newEmail();
    const { page, context } = await newPerson({ javaScript });
    await page.goto('/register');
    await fill(page, { 'E-mail address': email, Password: PASSWORD });
    await page.getByRole('button', { name: 'Create the account' }).dblclick({ noWaitAfter: true });
    await until(() => pathOf(page) === '/profile'); // the second click breaks off the way to it
    await page.waitForLoadState();
    await page.getByRole('button', { name: 'Log out' }).dblclick({ noWaitAfter: true });
    await until(() => pathOf(page) === '/' || pathOf(page) === '/login');
    await page.waitForLoadState();
    expect(await page.locator('h1').innerText()).not.toContain('too old');
    await page.goto('/profile');
    expect(pathOf(page)).toBe('/login');
    await fill(page, { 'E-mail address': email, Password: PASSWORD });
    await page.getByRole('button', { name: 'Log in', exact: true }).dblclick({ noWaitAfter: true });
    await until(() => pathOf(page) === '/profile');
    await page.waitForLoadState();
    await page.goto('/account/sessions');
    expect(await page.getByText('You are logged in nowhere else.').count()).toBe(1);
    await context.close();
  });

  test('of two tabs the second to log in is told who is logged in here, and can log out', async () => {
    const [owner, guest] = [newEmail(), newEmail()];
    const { page, context } = await newPerson({ javaScript });
    for (const email of [owner, guest]) {
      await register(page, email);
      await press(page, 'Log out');
    }
    await page.goto('/login?next=%2Faccount%2Fsessions');
    const second = await context.newPage();
    await logIn(second, guest);
    expect(pathOf(second)).toBe('/profile');
    await fill(page, { 'E-mail address': owner, Password: PASSWORD });
    await press(page, 'Log in');
    expect(await heading(page)).toBe(`${guest} is logged in here`);
    await page.locator('main').getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL('**/login?next=*');
    await fill(page, { 'E-mail address': owner, Password: PASSWORD });
    await press(page, 'Log in');
    expect(pathOf(page)).toBe('/account/sessions');
    await second.reload();
    expect(await second.locator('dl').first().innerText()).toContain(owner);
    await context.close();
  });
});

test('Tab leads from field to field, and Enter sends the form', async () => {
  const email = newEmail();
  const { page, context } = await newPerson();
  await page.goto('/register');
  await page.getByLabel('E-mail address').focus();
  const type = async (...texts: string[]) => {
    for (const text of texts) {
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    }
  };
  await type(email);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await until(() => pathOf(page) === '/profile');
  await page.waitForLoadState();
  await press(page, 'Log out');
  await page.goto('/login');
  await page.getByLabel('E-mail address').focus();
  await type(email);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await until(() => pathOf(page) === '/profile');
  await page.waitForLoadState();
  await page.goto('/account/password');
  await page.getByLabel('Current password').focus();
  await type(PASSWORD);
  await page.keyboard.type('another long password');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.getByLabel('Current password').getAttribute('type')).toBe('text');
  expect(await page.getByRole('button', { name: 'Hide both passwords' }).count()).toBe(1);
  await page.getByLabel('New password').press('Enter');
  await until(() => pathOf(page) === '/account/sessions');
  await page.waitForLoadState();
  await context.close();
});

test('an operator reads what happened, finds the person and ends their sessions; a member can’t', async () => {
  const email = newEmail();
  const person = await newPerson();
  await register(person.page, email);
  const refused = await person.page.goto('/operator/audit');
  expect(refused?.status()).toBe(403);
  expect(await heading(person.page)).toBe('You may not see this page');
  await person.page.goto('/profile');

  const chiefEmail = newEmail();
  const { page, context, complaints } = await newPerson();
  await register(page, chiefEmail);
  const chief = await web.context.users.findByEmail(chiefEmail);
  await web.context.users.setRole(chief?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
  await page.reload();
  expect(await page.locator('.notice').innerText()).toContain('What this account may do was changed');
  await logIn(page, chiefEmail, true);
  await worker.sealing.seal();

  await page.getByRole('link', { name: 'Console' }).click();
  expect(await heading(page)).toBe('Overview');
  await page.getByRole('link', { name: 'Audit log' }).click();
  expect(await heading(page)).toBe('Audit log');
  await page.getByLabel('Person', { exact: true }).fill(email);
  await press(page, 'Filter');
  const types = await page.locator('tbody td.c-type').allInnerTexts();
  expect(types).toEqual(['Access refused authz_fail', 'Session began session_created', 'Account created user_created']);
  await page.getByLabel('Type', { exact: true }).selectOption('authz_fail');
  await press(page, 'Filter');
  expect(await page.locator('tr[data-row]').count()).toBe(1);
  expect(await page.locator('td.c-detail').innerText()).toBe('path: /operator/audit, method: GET');
  await page.getByRole('link', { name: 'Remove the filter Type: Access refused' }).click();
  await page.waitForLoadState();
  expect(await page.locator('tr[data-row]').count()).toBe(3);

  await page.getByRole('link', { name: 'People' }).click();
  await page.getByLabel('E-mail address', { exact: true }).fill(email.slice(0, -3).toUpperCase());
  await press(page, 'Find');
  await page.getByRole('link', { name: email, exact: true }).click();
  await page.getByRole('link', { name: 'End this session' }).click();
  await press(page, 'End this session');
  expect(await page.getByRole('alert').innerText()).toContain('Reason');
  complaints.splice(0);
  await page.getByLabel('Reason').fill('asked to');
  await press(page, 'End this session');
  expect(await page.locator('.notice').innerText()).toBe('That session has ended.');
  expect(complaints).toEqual([]);
  await person.page.goto('/profile');
  expect(await person.page.locator('.notice').innerText()).toBe('An operator ended this session. Log in to go on.');
  await Promise.all([context.close(), person.context.close()]);
});

test('the console says its times in the zone of the browser, and in UTC once that is chosen', async () => {
  const email = newEmail();
  const context = await chromium.newContext({ baseURL: web.url, locale: 'en-GB', timezoneId: 'Asia/Tokyo' });
  const page = await context.newPage();
  await register(page, email);
  const user = await web.context.users.findByEmail(email);
  await web.context.users.setRole(user?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
  await logIn(page, email);
  await worker.sealing.seal();
  await page.goto('/operator/audit');
  const zone = page.locator('.zone span');
  const time = page.locator('tr[data-row] time').first();
  const clockIn = async (timeZone: string) => {
    const at = new Date((await time.getAttribute('datetime')) ?? '');
    return at.toLocaleTimeString('en-GB', { timeZone });
  };
  expect(await zone.innerText()).toBe('Times in Asia/Tokyo (UTC+9)');
  expect(await time.innerText()).toContain(await clockIn('Asia/Tokyo'));
  await press(page, 'Use UTC');
  expect(pathOf(page)).toBe('/operator/audit');
  expect(await zone.innerText()).toBe('Times in UTC');
  expect(await time.innerText()).toContain(await clockIn('UTC'));
  await press(page, 'Use Asia/Tokyo');
  expect(await zone.innerText()).toContain('Asia/Tokyo');
  await context.close();
});

test('every page is accessible as it is served', async () => {
  const email = newEmail();
  const { page, context, complaints } = await newPerson();
  const seen: string[] = [];
  const audit = async () => {
    seen.push(`${pathOf(page)}: ${await heading(page)}`);
    expect([pathOf(page), await axe(page)]).toEqual([pathOf(page), []]);
  };
  for (const path of ['/', '/login', '/register']) {
    await page.goto(path);
    await audit();
  }
  await register(page, email);
  const user = await web.context.users.findByEmail(email);
  await web.context.users.setRole(user?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
  await page.reload();
  await audit();
  await logIn(page, email);
  const pages = [
    ...['/', '/profile', '/account/sessions', '/account/password', '/operator', '/operator/audit', '/operator/users'],
    `/operator/users/${user?.id}`,
    `/operator/users/${user?.id}/disable`,
  ];
  await worker.sealing.seal();
  for (const path of pages) {
    await page.goto(path);
    await audit();
  }
  expect(complaints).toEqual([]);
  await page.goto('/operator/audit?type=nonsense');
  await audit();
  // A view in which nothing matches fills by itself, once something does.
  await page.goto('/operator/audit?type=user_email_changed');
  await page.getByText('No event matches these filters.').waitFor();
  const about = { actor: user?.id ?? null, subject: user?.id ?? null, origin: NO_ORIGIN };
  await web.context.record({ type: 'user_email_changed', outcome: 'success', ...about });
  await worker.sealing.seal();
  await page.getByRole('row', { name: 'user_email_changed' }).waitFor();
  expect(await page.getByText('No event matches these filters.').count()).toBe(0);
  await audit();
  await page.goto('/nothing-here');
  await audit();
  expect(seen).toHaveLength(16);
  await context.close();
});

test('a script that gets into a page does not run, and no other site may frame one', async () => {
  const { page, context } = await newPerson();
  await page.goto('/login');
  await page.evaluate(
    `document.body.insertAdjacentHTML('beforeend', '<img src="/nothing" onerror="window.ran = true">')`,
  );
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = true' }))`,
  );
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate('window.ran')).toBeUndefined();
  await page.setContent(`<iframe src="${other.url}/login"></iframe>`);
  await page.waitForLoadState('networkidle');
  const frame = page.frames()[1];
  expect(await frame?.locator('form').count()).toBe(0);
  await context.close();
});

test('what was done leaves the log whole', async () => {
  await worker.sealing.seal();
  const { intact } = await web.context.verification.verify();
  const rows = await query<{ count: number }>(stores.database.superuserUrl, 'SELECT count(*)::int FROM audit_event');
  expect(intact).toBe(true);
  expect(rows[0]?.count).toBeGreaterThan(20);
});
