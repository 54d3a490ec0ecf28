// A person with a mailbox walks through the whole account, in a real browser with a real mail server: with JavaScript, and without
// it on a phone's width. Then what browsers do by themselves: two tabs, the back button, forms that are too old, languages.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, screenshot } from '../../harness/chromium.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { totpCode } from '../support/factors.ts';
import { startMailSite } from '../support/mail-site.ts';

const NEW_PASSWORD = 'a new horse for the battery';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0';
const PHONE = { width: 375, height: 740 } as const;

const site = await startMailSite({ REGISTRATION: 'verify' });
let chromium: Browser;

beforeAll(async () => {
  chromium = await launchBrowser();
});

afterAll(() => chromium?.close());

interface Person {
  readonly page: Page;
  /** What the browser complained of: errors, refusals of the CSP, anything asked elsewhere. */
  readonly complaints: string[];
  newTab(): Promise<Page>;
  leave(): Promise<void>;
}

async function person(options: BrowserContextOptions = {}): Promise<Person> {
  const settings = { baseURL: site.web.url, locale: 'en-GB', reducedMotion: 'reduce' } as const;
  const context = await chromium.newContext({ ...settings, ...options });
  context.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  context.on('request', (request) => {
    if (!request.url().startsWith(site.web.url)) complaints.push(`asked ${request.url()}`);
  });
  const page = await context.newPage();
  return { page, complaints, newTab: () => context.newPage(), leave: () => context.close() };
}

/** Goes on only once the page that it leads to is there whole: leaving it earlier would count as a failed request. */
async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  await page.waitForLoadState();
}
const follow = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click();
const heading = (page: Page) => page.locator('h1').innerText();
const notice = (page: Page) => page.locator('.notice').innerText();
const pathOf = (page: Page) => new URL(page.url()).pathname;

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

async function logIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.goto('/login');
  await fill(page, { 'E-mail address': email, Password: password });
  await press(page, 'Log in');
}

/** Opens the link in the newest mail to an address, as a click in a mail program does. */
async function openMail(page: Page, email: string, after = 0): Promise<void> {
  await page.goto(await site.linkTo(email, after));
  expect(page.url()).not.toContain('token');
}

/** Registers, and confirms the address by the mailed link. */
async function join(page: Page): Promise<string> {
  const email = newEmail();
  await page.goto('/');
  await follow(page, 'Create an account');
  await fill(page, { 'E-mail address': email, Password: PASSWORD });
  await press(page, 'Create the account');
  expect(await heading(page)).toBe('Check your e-mail');
  await openMail(page, email);
  expect(await heading(page)).toBe('Confirm your e-mail address');
  await press(page, 'Create my account');
  expect(pathOf(page)).toBe('/profile');
  return email;
}

/** Every field as a password manager sees it. */
const fieldsOf = (page: Page) =>
  page
    .locator('main input:not([type=hidden], [type=checkbox])')
    .evaluateAll((inputs) =>
      inputs.map((input) => `${input.getAttribute('type')} ${input.getAttribute('autocomplete')}`),
    );

/** Nothing is pushed out of a narrow page. */
async function isWell(page: Page, name: string): Promise<void> {
  expect([name, await page.evaluate('(scrollTo(10_000, scrollY), scrollX)')]).toEqual([name, 0]);
  await screenshot(page, `account-${name}-${page.viewportSize()?.width}`);
}

describe.each<[string, BrowserContextOptions]>([
  ['with JavaScript', {}],
  ['without JavaScript, on a phone', { javaScriptEnabled: false, viewport: PHONE }],
])('%s', (_, options) => {
  test('a person joins, forgets the password, moves to another address, and takes their leave', async () => {
    const { page, complaints, leave } = await person(options);
    const email = await join(page);
    await press(page, 'Log out');

    await page.goto('/login');
    await follow(page, 'Forgot your password?');
    await fill(page, { 'E-mail address': email });
    await press(page, 'Mail me a link');
    expect(await heading(page)).toBe('Check your e-mail');
    await openMail(page, email, 1);
    expect(await heading(page)).toBe('Choose a new password');
    await fill(page, { 'New password': NEW_PASSWORD });
    await press(page, 'Change the password');
    expect(await notice(page)).toContain('Your password was changed');
    await logIn(page, email, NEW_PASSWORD);
    expect(pathOf(page)).toBe('/profile');

    const next = newEmail();
    await follow(page, 'Change the e-mail address');
    await fill(page, { 'New e-mail address': next });
    await press(page, 'Mail a link to it');
    expect(await heading(page)).toBe('Check your new mailbox');
    await openMail(page, next);
    await press(page, 'Use this e-mail address');
    expect(pathOf(page)).toBe('/login');
    await logIn(page, next, NEW_PASSWORD);
    expect(await page.locator('dl').first().innerText()).toContain(next);

    await follow(page, 'Security');
    await follow(page, 'Set up an app');
    const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
    await fill(page, { Code: totpCode(secret) });
    await press(page, 'Set it up');
    expect(await heading(page)).toBe('Keep these recovery codes');
    await follow(page, 'I have kept them');
    await press(page, 'Log out');
    await logIn(page, next, NEW_PASSWORD);
    expect(await heading(page)).toBe('One more step');
    await isWell(page, 'second-factor');
    await fill(page, { Code: '000000' });
    await press(page, 'Log in');
    expect(await page.locator('#code-note').innerText()).toContain('This code is not right');
    await fill(page, { Code: totpCode(secret, 1) });
    await press(page, 'Log in');
    expect(pathOf(page)).toBe('/profile');

    await follow(page, 'Delete the account');
    await isWell(page, 'delete');
    await page.getByRole('checkbox').check();
    await press(page, 'Delete the account');
    expect(pathOf(page)).toBe('/');
    await logIn(page, next, NEW_PASSWORD);
    expect(await page.getByRole('alert').innerText()).toContain('Wrong e-mail address or password.');
    expect(complaints.filter((line) => !line.includes('Failed to load resource'))).toEqual([]); // 401, as it should be
    await leave();
  });

  test('an owner is told of a new device, and the stranger is out by one button', async () => {
    const owner = await person(options);
    const email = await join(owner.page);
    const stranger = await person({ ...options, userAgent: FIREFOX, locale: 'de' });
    await stranger.page.goto('/login');
    await fill(stranger.page, { 'E-Mail-Adresse': email, Passwort: PASSWORD });
    await press(stranger.page, 'Anmelden');
    expect(pathOf(stranger.page)).toBe('/profile');

    await openMail(owner.page, email, 1);
    expect(await owner.page.locator('main').innerText()).toContain('Firefox on Windows');
    await isWell(owner.page, 'not-me');
    await press(owner.page, 'End every session and choose a new password');
    await stranger.page.reload();
    expect(pathOf(stranger.page)).toBe('/login');
    expect(await heading(owner.page)).toBe('Choose a new password');
    await fill(owner.page, { 'New password': NEW_PASSWORD });
    await press(owner.page, 'Change the password');
    expect(pathOf(owner.page)).toBe('/login');
    await Promise.all([owner.leave(), stranger.leave()]);
  });
});

test('password managers are told what each field is', async () => {
  const { page, leave } = await person();
  const email = await join(page);
  const inside = ['/account/password', '/account/email'];
  const seen: Record<string, readonly string[]> = {};
  for (const path of inside) {
    await page.goto(path);
    seen[path] = await fieldsOf(page);
  }
  await press(page, 'Log out');
  for (const path of ['/login', '/register', '/forgot-password']) {
    await page.goto(path);
    seen[path] = await fieldsOf(page);
  }
  await fill(page, { 'E-mail address': email });
  await press(page, 'Mail me a link');
  await openMail(page, email, 1);
  seen['/reset-password'] = await fieldsOf(page);
  expect(seen).toEqual({
    '/account/password': ['text username', 'password current-password', 'password new-password'],
    '/account/email': ['email email'],
    '/login': ['email username webauthn', 'password current-password'],
    '/register': ['email username', 'password new-password'],
    '/forgot-password': ['email username'],
    '/reset-password': ['text username', 'password new-password'],
  });
  const answer = await page.goto('/.well-known/change-password');
  expect([answer?.status(), pathOf(page), new URL(page.url()).search]).toEqual([
    ...[200, '/login', '?next=%2Faccount%2Fpassword'],
  ]);
  await leave();
});

test('two tabs: what one of them logs out of, the other does nothing in any more, and says who is logged in', async () => {
  const { page, newTab, leave } = await person();
  const email = await join(page);
  const other = await newTab();
  const typed = newEmail();
  const fillIn = async () => {
    await other.goto('/account/email');
    await fill(other, { 'New e-mail address': typed });
  };

  await fillIn();
  await press(page, 'Log out');
  await press(other, 'Mail a link to it');
  expect([pathOf(other), new URL(other.url()).search]).toEqual(['/login', '?next=%2Faccount%2Femail']);
  await logIn(page, email);
  await fillIn();
  await press(page, 'Log out');
  await logIn(page, email);
  await press(other, 'Mail a link to it'); // a form of the session before
  expect(await heading(other)).toBe(`${email} is logged in here`);
  await site.send();
  expect(site.server.countTo(typed)).toBe(0);
  await other.getByRole('link', { name: 'Open the form again' }).click();
  await fill(other, { 'New e-mail address': typed });
  await press(other, 'Mail a link to it');
  expect(await heading(other)).toBe('Check your new mailbox');
  await site.send();
  expect(site.server.countTo(typed)).toBe(1);
  await leave();
});

test('a log-in form that was open while somebody logged in leads on, and one that is too old keeps the text', async () => {
  const { page, newTab, leave } = await person();
  const email = await join(page);
  await press(page, 'Log out');
  const other = await newTab();
  await other.goto('/login');
  await logIn(page, email);
  await fill(other, { 'E-mail address': email, Password: PASSWORD });
  await press(other, 'Log in');
  expect(pathOf(other)).toBe('/profile');
  await press(other, 'Log out');

  await page.goto('/login');
  await fill(page, { 'E-mail address': email, Password: PASSWORD });
  await page.context().clearCookies();
  await press(page, 'Log in');
  expect(await page.getByRole('alert').innerText()).toContain('This form was open for too long');
  expect(await page.getByLabel('E-mail address').inputValue()).toBe(email);
  expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
  await fill(page, { Password: PASSWORD });
  await press(page, 'Log in');
  expect(pathOf(page)).toBe('/profile');
  await leave();
});

test('after logging out the back button shows nothing of what was there', async () => {
  const { page, leave } = await person();
  const email = await join(page);
  await page.goto('/account/sessions');
  await page.goto('/profile');
  await press(page, 'Log out');
  expect(pathOf(page)).toBe('/');
  for (let times = 0; times < 3; times += 1) {
    await page.goBack();
    expect(await page.content()).not.toContain(email);
    expect(['/login', '/verify-email', '/account/sessions']).toContain(pathOf(page));
  }
  await leave();
});

test('the browser’s language is spoken at once, the chosen one from then on, and in mails', async () => {
  const { page, leave } = await person({ locale: 'de-AT', viewport: PHONE });
  await page.goto('/login');
  expect([await heading(page), await page.locator('html').getAttribute('lang')]).toEqual(['Anmelden', 'de']);
  await isWell(page, 'login-de');
  await press(page, 'English');
  expect([await heading(page), pathOf(page)]).toEqual(['Log in', '/login']);
  const email = await join(page);
  expect((await site.server.mailTo(email)).email.subject).toContain('Confirm your e-mail address');
  await press(page, 'Deutsch');
  expect([await heading(page), pathOf(page)]).toEqual(['Profil', '/profile']);
  const stranger = await person({ userAgent: FIREFOX });
  await logIn(stranger.page, email);
  await site.send();
  expect((await site.server.mailTo(email, 1)).email.subject).toBe('Neue Anmeldung bei Holdfast');
  await Promise.all([leave(), stranger.leave()]);
});
