// The story of a night, in a real browser against a real web process and the real worker: five clicks from the console's home to an
// account that is secured and an export that the command proves.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { launchBrowser, screenshot } from '../../harness/chromium.ts';
import { COUNTRIES, LISBON, TOKYO } from '../../harness/places.ts';
import { logInFrom, playStory, untilMarked } from '../../harness/story.ts';
import { until } from '../../harness/until.ts';
import { PASSWORD } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import { world } from '../support/world.ts';

const { web, stores, sql, newMember, newOperator, atEnd } = await world({ webs: [{ TRUSTED_PROXIES: '127.0.0.1' }] });
const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-story-'));
const places = path.join(folder, 'places.mmdb');
await writeFile(places, COUNTRIES);
const AUDIT_SIGNING_KEY = randomBytes(32).toString('hex');
const worker = startWorkerProcess({ ...stores, env: { AUDIT_SIGNING_KEY, GEOIP_FILES: places } });
const browser = await launchBrowser();

atEnd(async () => {
  await browser.close();
  worker.process.kill('SIGTERM');
  await worker.exited;
  await rm(folder, { recursive: true });
});

test.each([1_280, 375])('five clicks, and the export is proved (%i pixels wide)', async (width) => {
  const [owner, operator] = [await newMember(), await newOperator()];
  const of = ({ email }: { email: string }, from: string) => ({ url: web.url, email, password: PASSWORD, from });
  await logInFrom(browser, of(owner, LISBON));
  const intruder = await logInFrom(browser, of(owner, TOKYO));
  await until(async () => (await sql('SELECT FROM audit_checkpoint')).length > 0);
  const page = await logInFrom(browser, of(operator, LISBON), '/operator');
  await page.setViewportSize({ width, height: 800 });
  await untilMarked(page, owner.id);

  await page.goto('/operator');
  const file = path.join(folder, `story-${width}.ndjson`);
  const story = await playStory(page, owner.email.slice(0, -3), file);
  await screenshot(page, `story-${width}`);
  expect(story.clicks).toBe(5);
  expect(story.unusual).toContain('country');
  expect(story.timeline).toContain(TOKYO);
  const verified = await commandLine(stores)(story.verify);
  expect(verified).toMatchObject({
    code: 0,
    out: expect.stringMatching(/events of one filter, unaltered, signed up to/),
  });
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(lines.filter((line) => line.includes('"authn_login_success"')).length).toBeGreaterThanOrEqual(2);

  expect((await intruder.goto('/profile'))?.url()).toContain('/login');
  const [secured] = await sql<{ detail: object }>(
    `SELECT detail FROM audit_event WHERE type = 'user_secured' AND subject_id = $1
      UNION ALL SELECT event->'detail' FROM outbox WHERE event->>'type' = 'user_secured' AND event->>'subject' = $1::text`,
    [owner.id],
  );
  expect(secured?.detail).toMatchObject({ reason: 'Its owner called: a log-in from abroad' });
});
