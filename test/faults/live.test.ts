// The live log in a real browser, while the web processes behind it are replaced one by one: no event is missed, none twice.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../harness/chromium.ts';
import { type Installation, install } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';

const EMAIL = 'grace@example.org';
const PASSWORD = 'correct horse battery staple';

let installation: Installation;
let chromium: Browser;

beforeAll(async () => {
  [installation, chromium] = await Promise.all([
    install({ webProcesses: 2, env: { SHUTDOWN_TIMEOUT_MS: '6000', PASSWORD_HASH_CONCURRENCY: '2' } }),
    launchBrowser(),
  ]);
});

afterAll(async () => {
  await chromium?.close();
  await installation?.close();
});

const sql = (text: string, values: unknown[] = []) =>
  query<{ seq: string }>(installation.servers.database.superuserUrl, text, values);

/** As any process of Holdfast would write it. */
const happen = (n: number) =>
  sql(
    `INSERT INTO outbox (event) VALUES (jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'sys_cleanup',
       'outcome', 'success', 'occurredAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'detail', jsonb_build_object('what', 'live', 'count', $1::int)))`,
    [n],
  );

test('goes on through a rolling restart, and pauses when it is told to', async () => {
  const base = `http://127.0.0.1:${installation.port}`;
  const page = await (await chromium.newContext()).newPage();
  const fill = async (path: string) => {
    await page.goto(`${base}${path}`);
    await page.fill('#email', EMAIL);
    await page.fill('#password', PASSWORD);
    await Promise.all([page.waitForURL((url) => url.pathname !== path), page.locator('form .primary').click()]);
  };
  await fill('/register');
  await sql(`UPDATE user_account SET role = 'operator' WHERE email = $1`, [EMAIL]);
  await page.context().clearCookies();
  await fill('/login');
  await page.goto(`${base}/operator/audit`);
  const shown = async () =>
    (
      await page.evaluate<string[]>(
        "[...document.querySelectorAll('[data-live-rows] [data-row]')].map((row) => row.id)",
      )
    ).map((id) => Number(id.replace('event-', '')));
  await until(async () => (await page.locator('[data-live-state]').textContent())?.startsWith('Live') ?? false);
  const first = (await shown())[0] ?? 0;

  let n = 0;
  let restarting = true;
  const writing = (async () => {
    while (restarting) {
      n += 1;
      await happen(n);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  })();
  await installation.reload();
  restarting = false;
  await writing;
  await until(async () => (await sql('SELECT id AS seq FROM outbox')).length === 0);
  // What the processes say of themselves may be sealed meanwhile, and shown a moment later.
  let [sealed, seen]: [number[], number[]] = [[], []];
  const isShown = async () => {
    const rows = await sql('SELECT seq FROM audit_event WHERE seq > $1 ORDER BY seq DESC', [first]);
    sealed = rows.map(({ seq }) => Number(seq));
    seen = (await shown()).filter((seq) => seq > first);
    return seen.join() === sealed.join();
  };
  await until(isShown).catch(() => expect(seen).toEqual(sealed));
  expect(sealed.length).toBeGreaterThan(n - 1);

  await page.locator('[data-live-toggle]').click();
  expect(await page.locator('[data-live-state]').textContent()).toBe('Paused');
  const top = (await shown())[0];
  await happen(0);
  await until(async () => (await sql('SELECT id AS seq FROM outbox')).length === 0);
  await page.waitForTimeout(2_500);
  expect((await shown())[0]).toBe(top);
  await page.locator('[data-live-toggle]').click();
  await until(async () => (await shown())[0] !== top);
});
