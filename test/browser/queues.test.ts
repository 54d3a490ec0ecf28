// Bull Board in a real browser, under the CSP of its path: it draws the queues and a failed job, asks nobody else for
// anything, changes nothing, and with Redis away the page says so.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser as Chromium, Page } from 'playwright-core';
import { launchBrowser, screenshot } from '../../harness/chromium.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { newEmail, PASSWORD } from '../support/app.ts';
import { complaintsOf } from '../support/complaints.ts';
import { world } from '../support/world.ts';

const { web } = await world();
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

describe('the queues', () => {
  test('are drawn, and a failed job can be read, without a complaint of the browser', async () => {
    const sessions = await web.context.queues.open('sessions');
    const origin = { ip: '203.0.113.77', userAgent: 'Mozilla/5.0 (secret)', requestId: 'r-1' };
    const job = await sessions.add('end-session', { sessionId: 'a-session', reason: 'revoked', actor: null, origin });
    const board = await page.goto('/operator/queues');
    expect(board?.headers()['content-security-policy']).toContain("base-uri 'none'");
    expect(await board?.text()).not.toContain('<base');
    await page.getByText('audit', { exact: true }).first().waitFor();
    await screenshot(page, 'queues-board');
    await page.goto(`/operator/queues/queue/sessions/${job.id}`);
    await page.getByText('a-session').first().waitFor();
    expect(await page.content()).not.toContain('203.0.113.77');
    await screenshot(page, 'queues-job');
    expect(complaints).toEqual([]);
  });

  test('are read and never changed, whatever is asked', async () => {
    const token = await page.goto('/profile').then(() => page.locator('[name=_csrf]').first().inputValue());
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      const status = await page.evaluate(
        `fetch('/operator/queues/api/queues/pause', { method: '${method}', body: new URLSearchParams({ _csrf: '${token}' }) }).then((response) => response.status)`,
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
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
