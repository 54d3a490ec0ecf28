// Bull Board in a real browser, under the CSP of its path: it draws the queues and a failed job, asks nobody else for
// anything, changes nothing, and with Redis away the page says so.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser as Chromium, Frame, Page } from 'playwright-core';
import { axe, launchBrowser, screenshot } from '../../harness/chromium.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { complaintsOf } from '../support/complaints.ts';
import { world } from '../support/world.ts';

const { web, sql } = await world();
let chromium: Chromium;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  chromium = await launchBrowser();
  const passwordHash = await web.context.passwords.hash(PASSWORD, null);
  const email = newEmail();
  await web.context.users.create({ email, passwordHash, role: 'operator', origin: NO_ORIGIN });
  page = await (await chromium.newContext({ baseURL: web.url, viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto('/login');
  await page.getByLabel('E-mail address', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  complaints = complaintsOf(page, web.url);
});

afterAll(async () => {
  await chromium?.close();
});

async function frameOf(opened: Page): Promise<Frame> {
  const frame = await opened
    .locator('iframe')
    .elementHandle()
    .then((element) => element?.contentFrame());
  if (!frame) throw new Error('the page has no frame');
  return frame;
}

/** As its frame asks: with the cookies of the page, and not as a document. */
function fetchInside(opened: Page, path: string) {
  return opened.evaluate<{ status: number; policy: string; text: string }>(
    `fetch('${path}').then(async (response) => ({ status: response.status, policy: response.headers.get('content-security-policy'), text: await response.text() }))`,
  );
}

describe('the queues', () => {
  test('are drawn, and a failed job can be read, without a complaint of the browser', async () => {
    const sessions = await web.context.queues.open('sessions');
    const origin = { ip: '203.0.113.77', userAgent: 'Mozilla/5.0 (secret)', requestId: 'r-1' };
    const job = await sessions.add('end-session', { sessionId: 'a-session', reason: 'revoked', actor: null, origin });
    await page.goto('/operator/queues');
    const board = page.frameLocator('iframe');
    await board.getByText('audit', { exact: true }).first().waitFor();
    await screenshot(page, 'queues-board');
    await page.goto(`/operator/queues/queue/sessions/${job.id}`);
    await board.getByText('a-session').first().waitFor();
    expect(await (await frameOf(page)).content()).not.toContain('203.0.113.77');
    await screenshot(page, 'queues-job');
    expect(complaints.filter((text) => !text.includes('was preloaded using link preload'))).toEqual([]);
  });

  test('stand under the console’s navigation, under a policy of their own, and nowhere else', async () => {
    const around = await page.goto('/operator/queues?status=failed');
    expect(await page.getByRole('link', { name: 'Queues', exact: true }).getAttribute('aria-current')).toBe('page');
    expect(await page.locator('h1').innerText()).toBe('Queues');
    expect(await page.locator('iframe').getAttribute('src')).toBe('/operator/queues/board?status=failed');
    expect(around?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
    const inside = await fetchInside(page, '/operator/queues/board');
    expect(inside.policy).toContain("base-uri 'none'");
    expect(inside.policy).toContain("frame-ancestors 'self'");
    expect(inside.text).not.toContain('<base');
    // Asked for alone, it leads to the page that has the navigation.
    await page.goto('/operator/queues/board/queue/mail?status=failed');
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/operator/queues/queue/mail?status=failed');
    const strange = await page.goto('/operator/queues/elsewhere');
    expect(strange?.status()).toBe(404);
  });

  test('have a name on every button, and no link to another origin', async () => {
    for (const path of ['', '/queue/sessions']) {
      await page.goto(`/operator/queues${path}`);
      const board = page.frameLocator('iframe');
      await board.getByRole('button', { name: 'Settings' }).waitFor();
      await board.getByText('sessions', { exact: true }).first().waitFor();
      const frame = await frameOf(page);
      const nameless = (await axe(frame)).filter(({ id }) => /^(button|link)-name$|^label$|img-alt/.test(id));
      expect([path, nameless]).toEqual([path, []]);
      const led = await frame.evaluate(
        `[...document.querySelectorAll('a[href]')].filter((a) => a.origin !== location.origin && a.checkVisibility()).length`,
      );
      expect(led).toBe(0);
    }
  });

  test('are read with a log-in that is no longer recent', async () => {
    await sql("UPDATE session SET created_at = created_at - interval '1 day', proved_at = NULL");
    const { status } = await fetchInside(page, '/operator/queues/board/api/queues');
    expect(status).toBe(200);
    expect((await page.goto('/operator/queues'))?.status()).toBe(200);
  });

  test('are read and never changed, whatever is asked', async () => {
    const token = await page.goto('/profile').then(() => page.locator('[name=_csrf]').first().inputValue());
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      const status = await page.evaluate(
        `fetch('/operator/queues/board/api/queues/pause', { method: '${method}', body: new URLSearchParams({ _csrf: '${token}' }) }).then((response) => response.status)`,
      );
      expect([method, status]).toEqual([method, 405]);
    }
    expect(await (await web.context.queues.open('sessions')).isPaused()).toBe(false);
  });

  test('can’t be shown while Redis is away, and are said to be', async () => {
    web.context.redis.disconnect();
    await until(() => web.context.redis.status === 'end');
    const startedAt = performance.now();
    const response = await page.goto('/operator/queues');
    expect(response?.status()).toBe(503);
    expect(response?.headers()['retry-after']).toBe('10');
    expect(await page.locator('h1').innerText()).toBe('Queues');
    expect(await page.getByRole('alert').innerText()).toContain('Redis is away');
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });
});
