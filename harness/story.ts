// "Somebody used my account last night from another country": what an operator does about it in a browser, from the console's
// home to the account secured and an export of its events in hand. Each click is counted; typing is none, and nothing is sent by
// a key that a click would not send.
import type { Browser, Locator, Page } from 'playwright-core';
import { until } from './until.ts';

export interface Visit {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** The IP address, as a proxy says it. */
  readonly from: string;
  readonly userAgent?: string;
}

/** Logs in, in a browser of its own, and leaves without logging out. */
export async function logInFrom(
  browser: Browser,
  { url, email, password, from, userAgent }: Visit,
  next = '/profile',
): Promise<Page> {
  const context = await browser.newContext({
    baseURL: url,
    locale: 'en-GB',
    extraHTTPHeaders: { 'X-Forwarded-For': from },
    ...(userAgent === undefined ? {} : { userAgent }),
  });
  const page = await context.newPage();
  await page.goto(`/login?next=${encodeURIComponent(next)}`);
  await page.getByLabel('E-mail address', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.waitForURL((at) => at.pathname === next);
  return page;
}

export interface Story {
  readonly clicks: number;
  /** From the first letter typed to the file on the disk. */
  readonly ms: number;
  /** What each part of it took, in milliseconds. */
  readonly parts: readonly (readonly [name: string, ms: number])[];
  /** What the person's page said of the log-in. */
  readonly unusual: string;
  readonly timeline: string;
  /** How the console says to verify the export: arguments of the command, with the file's name in place. */
  readonly verify: readonly string[];
}

/** On the console's home, as an operator whose log-in is recent. `typed`: any part of the person's address; `file`: for the export. */
export async function playStory(page: Page, typed: string, file: string): Promise<Story> {
  const began = performance.now();
  const parts: [string, number][] = [];
  let clicks = 0;
  let last = began;
  const done = (name: string) => {
    parts.push([name, performance.now() - last]);
    last = performance.now();
  };
  const click = async (what: Locator) => {
    clicks += 1;
    await what.click();
  };
  await page.getByRole('searchbox', { name: 'Find' }).fill(typed);
  await click(page.getByRole('button', { name: 'Find', exact: true }));
  await page.waitForURL('**/operator/users/*');
  const session = page.locator('.sessions li', { hasText: 'new country' });
  const unusual = await session.locator('strong').innerText();
  done('the person is found, and what is unusual seen');
  await click(session.getByRole('link', { name: 'From log-in to now' }));
  await page.waitForURL('**/operator/sessions/*');
  const timeline = await page.locator('.timeline').innerText();
  done('the session is followed');
  await click(page.getByRole('link', { name: 'Secure this account' }));
  await page.getByLabel('Reason', { exact: true }).fill('Its owner called: a log-in from abroad');
  await click(page.getByRole('button', { name: 'Secure this account' }));
  await page.waitForURL('**/operator/users/*done=account-secured');
  done('the account is secured');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    click(page.getByRole('link', { name: 'Export them as NDJSON' })),
  ]);
  await download.saveAs(file);
  done('the export is on the disk');
  const ms = performance.now() - began;
  const command = (await page.locator('.verify code').textContent()) ?? '';
  const verify = command.split(' ').slice(1);
  return { clicks, ms, parts, unusual, timeline, verify: verify.map((word) => (word === 'FILE' ? file : word)) };
}

/** An event is marked when the worker seals it, a second or two after it happened. */
export async function untilMarked(page: Page, userId: string): Promise<void> {
  await until(async () => {
    await page.goto(`/operator/users/${userId}`);
    return (await page.locator('.sessions li', { hasText: 'new country' }).count()) > 0;
  });
}
