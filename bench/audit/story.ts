// The story of a night (harness/story.ts) among a whole log: Chromium, one web process and the worker as they run in production, an
// export that `audit verify --file` proves. Whose account it is has a history in the log.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { launchBrowser } from '../../harness/chromium.ts';
import { type Installation, install } from '../../harness/installation.ts';
import { COUNTRIES, LISBON, TOKYO } from '../../harness/places.ts';
import { logInFrom, playStory, type Story, untilMarked } from '../../harness/story.ts';
import { until } from '../../harness/until.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';

const run = promisify(execFile);
const PASSWORD = 'correct horse battery staple';
const RUNS = 5;
/** The worker reads a log of ten million events through, and proves it, once. */
const CAUGHT_UP_WITHIN_MS = 45 * 60_000;

export interface Told extends Story {
  readonly verifyMs: number;
  /** What `audit verify --file` said. */
  readonly verdict: string;
}

interface Options {
  readonly events: number;
  /** The files of a stopped PostgreSQL that holds them. */
  readonly files: string;
  readonly say: (text: string) => void;
}

/** One that warms everything, which counts for nothing, then five. */
export async function measureStory({ events, files, say }: Options): Promise<readonly Told[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-story-'));
  const places = path.join(folder, 'places.mmdb');
  writeFileSync(places, COUNTRIES);
  const installation = await install({
    webProcesses: 1,
    files,
    env: { REGISTRATION: 'open', RECENT_LOGIN: '24h' },
    workerEnv: { AUDIT_SIGNING_KEY: randomBytes(32).toString('hex'), GEOIP_FILES: places },
  });
  const pool = new pg.Pool({ connectionString: installation.servers.database.superuserUrl, max: 2 });
  try {
    await untilCaughtUp(pool, events);
    say('the worker has read and proved them');
    return await tell(installation, pool, folder, say);
  } finally {
    await pool.end();
    await installation.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilCaughtUp(pool: pg.Pool, events: number): Promise<void> {
  await until(async () => {
    const { rows } = await pool.query<{ ready: boolean }>(
      `SELECT coalesce((SELECT max(seq) FROM audit_checkpoint), 0) >= $1 AND (SELECT seq FROM noted_log_ins) >= $1
          AND coalesce((SELECT size FROM audit_tree), 0) >= $1 - 256
          AND coalesce((SELECT max(last_seq) FROM audit_text), 0) >= $1 - 1024 AS ready`,
      [events],
    );
    return rows[0]?.ready === true;
  }, CAUGHT_UP_WITHIN_MS);
}

async function tell({ port }: Installation, pool: pg.Pool, folder: string, say: Options['say']): Promise<Told[]> {
  const url = `http://127.0.0.1:${port}`;
  const browser = await launchBrowser();
  try {
    const at = (email: string, from: string) => ({ url, email, password: PASSWORD, from });
    const operator = 'on-call@example.org';
    const registering = await browser.newPage({ baseURL: url });
    await registering.goto('/register');
    await registering.getByLabel('E-mail address', { exact: true }).fill(operator);
    await registering.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await registering.getByRole('button', { name: 'Create the account' }).click();
    await registering.waitForURL('**/profile');
    const victims = await giveAccounts(pool, operator, RUNS + 1);
    await pool.query(`UPDATE user_account SET role = 'operator' WHERE email_key = $1`, [operator]);
    const page = await logInFrom(browser, at(operator, LISBON), '/operator');
    const told: Told[] = [];
    for (const { id, email } of victims) {
      await logInFrom(browser, at(email, LISBON));
      await logInFrom(browser, at(email, TOKYO));
      await untilMarked(page, id);
      await page.goto('/operator');
      const story = await playStory(page, email.slice(0, -5), path.join(folder, `${id}.ndjson`));
      const began = performance.now();
      const { stdout } = await run(process.execPath, [path.join(projectRoot, 'dist/src/cli/main.js'), ...story.verify]);
      const verifyMs = performance.now() - began;
      told.push({ ...story, verifyMs, verdict: stdout.split('\n')[0] ?? '' });
      say(`told in ${Math.round(story.ms)} ms, verified in ${Math.round(verifyMs)} ms`);
    }
    return told.slice(1);
  } finally {
    await browser.close();
  }
}

/** Accounts for people whom the log knows, with the password of somebody who has one. */
async function giveAccounts(pool: pg.Pool, like: string, count: number): Promise<{ id: string; email: string }[]> {
  const { rows } = await pool.query<{ id: string; email: string }>(
    `WITH known AS (SELECT DISTINCT actor_id AS id FROM (
                      SELECT actor_id FROM audit_event WHERE actor_id IS NOT NULL ORDER BY seq DESC LIMIT 5000) AS newest LIMIT $2)
     INSERT INTO user_account SELECT (jsonb_populate_record(u, jsonb_build_object(
              'id', known.id, 'email', 'owner-' || known.id || '@example.org', 'email_key', 'owner-' || known.id || '@example.org'))).*
       FROM known, user_account AS u WHERE u.email_key = $1
     RETURNING id, email`,
    [like, count],
  );
  return rows;
}
