// What a look at the newest page of the audit log costs, and that it says the same as the log.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { createAuditLog } from '../../src/core/audit/reading/audit-log.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { openPool } from '../../src/core/platform/postgres/open-pool.ts';
import { watchStatements } from '../support/asked-stores.ts';
import { filledLog } from '../support/filled-log.ts';
import { type Person, world } from '../support/world.ts';

const { stores, web, worker, sql, tamper, newMember, newOperator } = await world({ worker: true });
const { emptyLog } = filledLog({ sql, tamper });

/** Of the log of 400 hours, which is read whole by no part of the page. */
const EVENTS = 800;
const MOST = 4;

let operator: Person;
let auditor: Person;

beforeAll(async () => {
  operator = await newOperator();
  auditor = await newMember();
  await web.context.users.setRole(auditor.id, 'auditor', { actor: null, origin: NO_ORIGIN });
  await auditor.browser.logIn(auditor.email);
  await worker.sealing.seal();
  await emptyLog();
  await sql(
    `INSERT INTO outbox (event)
     SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'actor', NULL, 'subject', $2::text, 'session', NULL,
              'occurredAt', to_char((now() - n * interval '30 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
              'type', CASE WHEN n % 3 = 0 THEN 'authn_login_fail' ELSE 'session_created' END,
              'outcome', CASE WHEN n % 3 = 0 THEN 'failure' ELSE 'success' END,
              'requestId', 'r-' || n, 'ip', '203.0.113.7', 'userAgent', 'test', 'detail', jsonb_build_object('n', n))
       FROM generate_series(1, $1) AS n ORDER BY n DESC`,
    [EVENTS, operator.id],
  );
  await worker.sealing.seal();
});

/** What a look asks of PostgreSQL. */
async function look(person: Person, path = '/operator/audit'): Promise<{ page: string; statements: string[] }> {
  const asked = watchStatements(web.context.database.pool);
  try {
    const { status, text } = await person.browser.get(path);
    expect(status).toBe(200);
    return { page: text, statements: asked.texts() };
  } finally {
    asked.restore();
  }
}

/** What the bars of the picture say, added up. */
function countsOf(page: string, kind: string): number {
  const bars = [...page.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title).join();
  const counts = [...bars.matchAll(new RegExp(`([\\d,]+) ${kind}`, 'g'))];
  return counts.reduce((sum, [, count = '']) => sum + Number(count.replaceAll(',', '')), 0);
}

describe('the newest page', () => {
  test('asks for four things at most', async () => {
    await look(operator);
    const { page, statements } = await look(operator);
    expect(statements.length).toBeLessThanOrEqual(MOST);
    expect(page).toContain(`${EVENTS} in the log`);
    expect(page).toContain(`>${operator.email}<`);
  });

  test('is planned once a connection', async () => {
    const pool = openPool({ url: stores.database.webUrl, poolSize: 1 });
    try {
      const auditLog = createAuditLog({ database: { pool } });
      for (let look = 0; look < 3; look += 1) {
        await auditLog.glance();
        expect((await auditLog.page(EVERY_EVENT, null, 50)).events).toHaveLength(50);
      }
      const { rows } = await pool.query(
        'SELECT name, generic_plans::int AS kept, custom_plans::int AS anew FROM pg_prepared_statements ORDER BY name',
      );
      expect(rows).toEqual(['log-glance', 'log-newest-51'].map((name) => ({ name, kept: 3, anew: 0 })));
    } finally {
      await pool.end();
    }
  });

  test('asks for as much on the pages behind it', async () => {
    const { page, statements } = await look(operator, `/operator/audit?before=${EVENTS - 60}`);
    expect(statements.length).toBeLessThanOrEqual(MOST);
    expect(page).toContain(`id="event-${EVENTS - 61}"`);
  });

  test("an auditor's first look asks to record it too, and the next does not", async () => {
    const recorded = (texts: readonly string[]) => texts.filter((text) => /INSERT INTO .*outbox/.test(text));
    const read = (texts: readonly string[]) => texts.filter((text) => !/outbox|^BEGIN$|^COMMIT$/.test(text));
    const first = await look(auditor, '/operator/audit?zone=');
    expect(recorded(first.statements)).toHaveLength(1);
    expect(read(first.statements).length).toBeLessThanOrEqual(MOST);
    const again = await look(auditor, '/operator/audit?zone=');
    expect(recorded(again.statements)).toEqual([]);
    expect(again.statements.length).toBeLessThanOrEqual(MOST);
  });

  test('has the whole log in its picture', async () => {
    const { page } = await look(operator);
    const { head } = await web.context.auditLog.glance();
    const [truth] = await sql<{ successes: number; failures: number }>(
      `SELECT count(*) FILTER (WHERE outcome = 'success')::int AS successes,
              count(*) FILTER (WHERE outcome = 'failure')::int AS failures FROM audit_event WHERE seq <= ${head}`,
    );
    expect({ successes: countsOf(page, 'success(?:es)?'), failures: countsOf(page, 'failures?') }).toEqual(truth);
  });
});

describe('the hours by outcome', () => {
  const BOTH = `
    SELECT coalesce(s.hour, h.hour) AS hour, coalesce(s.outcome, h.outcome) AS outcome, s.events AS summary, h.events AS hours
      FROM (SELECT hour, outcome, sum(events) AS events FROM audit_summary GROUP BY 1, 2) AS s
      FULL JOIN audit_hour AS h ON h.hour = s.hour AND h.outcome = s.outcome
     WHERE s.events IS DISTINCT FROM h.events`;

  test('follow the summary as it grows, is corrected and shrinks, whoever writes it', async () => {
    expect(await sql(BOTH)).toEqual([]);
    await sql(`UPDATE audit_summary SET events = events + 3 WHERE type = 'session_created'`);
    expect(await sql(BOTH)).toEqual([]);
    await sql(`INSERT INTO audit_summary SELECT hour, 'sys_startup', outcome, 2, 1, 1 FROM audit_hour`);
    expect(await sql(BOTH)).toEqual([]);
    await sql(`DELETE FROM audit_summary WHERE type <> 'sys_startup' OR outcome = 'failure'`);
    expect(await sql(BOTH)).toEqual([]);
    expect(await sql(`SELECT FROM audit_hour WHERE outcome = 'failure' OR events <= 0`)).toEqual([]);
  });

  test('can be written by nobody who seals or serves', async () => {
    await expect(worker.database.pool.query('DELETE FROM audit_hour')).rejects.toThrow('permission denied');
    await expect(web.context.database.pool.query('UPDATE audit_hour SET events = 0')).rejects.toThrow(
      'permission denied',
    );
  });
});
