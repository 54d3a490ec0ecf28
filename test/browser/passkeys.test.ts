// Passkeys and the second step in a real browser, with Chromium's virtual authenticator: set up, log in with nothing else, as the
// second step, to confirm, and by autofill; and what a person sees without JavaScript.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../../harness/chromium.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { complaintsOf } from '../support/complaints.ts';
import { totpCode } from '../support/factors.ts';
import { world } from '../support/world.ts';

const port = await freePort();
const url = `http://localhost:${port}`; // a passkey belongs to a name, never to an address
const { sql } = await world({ webs: [{ PORT: String(port), PUBLIC_URL: url }] });
let chromium: Browser;

beforeAll(async () => {
  chromium = await launchBrowser();
});

afterAll(async () => {
  await chromium?.close();
});

interface Person {
  readonly email: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Whether the authenticator answers by itself, as a person would who touches it whenever it is asked. */
  touch(enabled: boolean): Promise<void>;
  readonly complaints: string[];
}

/** Somebody with an authenticator that says yes to everything, and an account. */
async function person({ width = 375 } = {}): Promise<Person> {
  const context = await chromium.newContext({ baseURL: url, locale: 'en-GB', viewport: { width, height: 800 } });
  const page = await context.newPage();
  const complaints = complaintsOf(page, url);
  const device = await context.newCDPSession(page);
  await device.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
  } as const;
  const { authenticatorId } = await device.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const email = newEmail();
  await page.goto('/register');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.waitForURL('**/profile');
  const touch = async (enabled: boolean) => {
    await device.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  };
  return { email, context, page, touch, complaints };
}

async function addPasskey({ page }: Person, name: string): Promise<void> {
  await page.goto('/account/security');
  await page.getByRole('link', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Make the passkey' }).click();
}

const heading = (page: Page) => page.locator('h1').innerText();
const pathOf = (page: Page) => new URL(page.url()).pathname;

async function leave(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL(`${url}/?done=logged-out`);
}

async function logIn(page: Page, email: string): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

test('a passkey is made, logs in with nothing else, as the second step, and confirms; a second has a name of its own', async () => {
  const somebody = await person();
  const { page, context, email, complaints } = somebody;
  await addPasskey(somebody, 'This telephone');
  await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
  await page.reload();
  expect(await page.locator('[data-codes] li').count()).toBe(10);
  expect(await axe(page)).toEqual([]);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('This telephone').first().waitFor();
  expect(await axe(page)).toEqual([]);
  await screenshot(page, 'walk-security-375');

  // Offered in the field for the address: the authenticator takes the offer at once.
  await leave(page);
  await page.goto('/login');
  await page.waitForURL('**/profile');
  const [session] = await sql<{ proved: string }>(
    'SELECT proved FROM session s JOIN user_account u ON u.id = user_id WHERE email = $1 ORDER BY s.created_at DESC LIMIT 1',
    [email],
  );
  expect(session?.proved).toBe('passkey');

  // From here on a browser without that, or this authenticator would be in before anything else was pressed.
  await page.addInitScript(
    'PublicKeyCredential.isConditionalMediationAvailable = async () => false; delete PublicKeyCredential.getClientCapabilities;',
  );
  await leave(page);
  await page.goto('/login');
  await page.getByRole('button', { name: 'Log in with a passkey' }).click();
  await page.waitForURL('**/profile');

  await leave(page);
  await logIn(page, email);
  await page.getByRole('heading', { name: 'One more step' }).waitFor();
  expect(await axe(page)).toEqual([]);
  await screenshot(page, 'walk-second-factor-375');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/profile');

  await sql(
    `UPDATE session SET created_at = created_at - interval '11 minutes', proved_at = proved_at - interval '11 minutes'`,
  );
  await page.goto('/account/security/authenticator');
  expect(pathOf(page)).toBe('/confirm');
  await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
  await page.waitForURL('**/account/security/authenticator');
  expect(await heading(page)).toBe('Set up an authenticator app');

  await page.goto('/account/security');
  await page.getByText('Rename').first().click();
  await page.getByLabel('Name').first().fill('My <b>telephone</b>');
  await page.getByRole('button', { name: 'Save the name' }).first().click();
  await page.getByText('My <b>telephone</b>').first().waitFor();
  await page.getByRole('button', { name: 'Remove this passkey' }).click();
  expect(await page.getByRole('status').innerText()).toBe(
    'It was removed, and with it your recovery codes. A log-in needs your password alone.',
  );
  await leave(page);
  await logIn(page, email);
  await page.waitForURL('**/profile');
  expect(complaints).toEqual([]);
  await context.close();
});

test('an answer is good once, for its own purpose, browser and origin', async () => {
  const somebody = await person({ width: 1440 });
  const { page, context } = somebody;
  await addPasskey(somebody, 'Key');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await leave(page);
  // The browser's answer is caught on its way, sent once, and then tried again in every wrong way.
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.method() === 'POST' && one.url().endsWith('/login/passkey')),
    page.goto('/login'),
  ]);
  await page.waitForURL('**/profile');
  await somebody.touch(false);
  const answer = new URLSearchParams(request.postData() ?? '').get('credential') ?? '';
  expect(JSON.parse(answer).type).toBe('public-key');
  await leave(page);
  const send = async (path: string, credential: string, formPage = '/login') => {
    await page.goto(formPage);
    const token = await page.locator('input[name=_csrf]').first().getAttribute('value');
    return context.request.post(`${url}${path}`, {
      form: { _csrf: token ?? '', credential },
      headers: { origin: url },
      maxRedirects: 0,
    });
  };
  const changed = JSON.parse(answer);
  const clientData = JSON.parse(Buffer.from(changed.response.clientDataJSON, 'base64url').toString());
  const foreign = { ...clientData, origin: 'https://evil.example' };
  changed.response.clientDataJSON = Buffer.from(JSON.stringify(foreign)).toString('base64url');
  const wrong = [answer, JSON.stringify(changed), '{', '[]', 'null', '"x"', JSON.stringify({ id: 'x' }), ''];
  for (const credential of wrong) {
    const response = await send('/login/passkey', credential);
    expect([credential.slice(0, 20), response.status()]).toEqual([credential.slice(0, 20), 401]);
    expect(await response.text()).toContain('That passkey could not be used');
  }
  expect((await send('/login/passkey', 'x'.repeat(20_000))).status()).toBe(413);
  await context.close();
});

test('without JavaScript an app is set up and asked for, and the pages say that passkeys need it', async () => {
  const context = await chromium.newContext({
    baseURL: url,
    javaScriptEnabled: false,
    viewport: { width: 375, height: 800 },
  });
  const page = await context.newPage();
  const email = newEmail();
  await page.goto('/register');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create the account' }).click();
  await page.goto('/account/security');
  await page.getByRole('link', { name: 'Set up an app' }).click();
  const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
  await page.getByLabel('Code', { exact: true }).fill(totpCode(secret));
  await page.getByRole('button', { name: 'Set it up' }).click();
  const code = await page.locator('[data-codes] li').first().innerText();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('recovery-codes.txt');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await leave(page);
  await page.goto('/login');
  expect(await page.getByRole('button', { name: 'Log in with a passkey' }).isVisible()).toBe(false);
  expect(await page.locator('noscript').first().textContent()).toContain('Passkeys need JavaScript');
  await logIn(page, email);
  await page.getByText('Use a recovery code').click();
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Log in with it' }).click();
  expect(pathOf(page)).toBe('/profile');
  await context.close();
});
