// The log's quick ranges, and several types at once or left out: each page of them is what the whole log says, whichever way the
// database goes to find it.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportLog } from '../../src/core/audit/reading/export.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { rangeOf } from '../../src/web/console/log/ranges.ts';
import { timesIn } from '../../src/web/texts/zoned-times.ts';
import { filledLog } from '../support/filled-log.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, tamper, newOperator } = await world({ worker: true });
const { emptyLog } = filledLog({ sql, tamper });
const { browser: operator } = await newOperator();

/** 3,000 log-ins refused; before them a few others, so that a page without the refused lies behind many. */
const NOISE = 3_000;
const OTHERS = ['session_created', 'authz_fail', 'type_of_a_later_version', 'session_created', 'user_created'];

beforeAll(async () => {
  await worker.sealing.seal();
  await emptyLog();
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', type, 'outcome', 'success',
       'occurredAt', to_char(now() AT TIME ZONE 'UTC' - (40 - n) * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'actor', NULL, 'subject', NULL, 'session', NULL, 'requestId', NULL, 'ip', '203.0.113.9', 'userAgent', NULL, 'detail', '{}'::jsonb)
       FROM unnest($1::text[]) WITH ORDINALITY AS t(type, n) ORDER BY n`,
    [OTHERS],
  );
  await sql(
    `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'authn_login_fail', 'outcome', 'failure',
       'occurredAt', to_char(now() AT TIME ZONE 'UTC' - interval '10 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'actor', NULL, 'subject', NULL, 'session', NULL, 'requestId', NULL, 'ip', '203.0.113.9', 'userAgent', NULL, 'detail', '{}'::jsonb)
       FROM generate_series(1, $1)`,
    [NOISE],
  );
  await worker.sealing.seal();
});

const seqsOf = (html: string) => [...html.matchAll(/id="event-(\d+)"/g)].map(([, seq]) => Number(seq));

async function open(query: string, status = 200): Promise<string> {
  const answer = await operator.get(`/operator/audit?${query}`);
  expect([query, answer.status]).toEqual([query, status]);
  return answer.text;
}

describe('several types', () => {
  test('are any of them, as a list or as ticked boxes, types and groups', async () => {
    for (const query of ['type=session_created,authz_fail', 'type=session_created&type=authz_fail&as=only'])
      expect(seqsOf(await open(query))).toEqual([4, 2, 1]);
    expect(seqsOf(await open('type=sessions,user_created'))).toEqual([5, 4, 1]);
    const text = await open('type=session_created,authz_fail');
    expect(text).toContain('<option value="session_created,authz_fail" selected>2 types</option>');
    expect(text).toContain('Type: Session began');
    expect(text).toContain('or Access refused');
    expect(text).toContain('href="/operator/audit?type=authz_fail"');
    expect(text).toContain('3 match');
    expect(text).toMatch(/value="authz_fail" checked/);
  });

  test('left out are all others, also those of a later version, however many stand before them', async () => {
    for (const query of ['not=authn_login_fail', 'type=authn_login_fail&as=not', 'not=authn_login_fail&before=3000'])
      expect(seqsOf(await open(query))).toEqual([5, 4, 3, 2, 1]);
    expect(seqsOf(await open('not=authn_login_fail,sessions'))).toEqual([5, 3, 2]);
    expect(seqsOf(await open('not=sessions'))).toHaveLength(50);
    expect(seqsOf(await open('not=authn_login_fail&after=1'))).toEqual([5, 4, 3, 2]);
    expect(seqsOf(await open('not=authn_login_fail&outcome=success&address=203.0.113.9'))).toEqual([5, 4, 3, 2, 1]);
    const text = await open('not=authn_login_fail,sessions');
    expect(text).toContain('Not: Log-in refused');
    expect(text).toContain('3 match');
    expect(text).toContain('name="not" value="authn_login_fail,sessions"');
    expect(text).toMatch(/value="not" checked/);
  });

  test('and left out together leave the rest; nothing left and no such type are said', async () => {
    expect(seqsOf(await open('type=sessions,authz_fail&not=session_created'))).toEqual([2]);
    expect(await open('type=session_created&not=sessions', 422)).toContain('is left out as well');
    expect(await open('not=no_such_type', 422)).toContain('There is no event of this type.');
    expect(await open('type=session_created,no_such_type', 422)).toContain('There is no event of this type.');
    for (const query of ['type=,', 'not=,'])
      expect(await open(query, 422)).toContain('There is no event of this type.');
  });

  test('pages follow each other without a gap where the types are mixed', async () => {
    const shown: number[] = [];
    for (let next: string | undefined = 'not=sessions'; next !== undefined && shown.length < NOISE; ) {
      const text = await open(next);
      shown.push(...seqsOf(text));
      next = linkTo(text, 'Older')?.split('?')[1];
    }
    expect(shown.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => NOISE + 5 - index));
  });

  test('an export leaves them out too', async () => {
    let lines = 0;
    for await (const { events } of exportLog(web.context, { ...EVERY_EVENT, notTypes: ['authn_login_fail'] }, 'ndjson'))
      lines += events;
    expect(lines).toBe(OTHERS.length);
  });
});

describe('a quick range', () => {
  test('is a link on the log, which keeps the other filters and gives way to a typed time', async () => {
    const text = await open('outcome=success&from=2026-01-01T00:00');
    expect(linkTo(text, 'Last hour')).toBe('/operator/audit?outcome=success&time=1h');
    const hour = await open('time=1h');
    expect(seqsOf(hour)).toHaveLength(50);
    expect(hour).toContain('more than 1,000 match');
    expect(hour).toContain('aria-current="true">Last hour</a>');
    expect(hour).toContain('name="time" value="1h"');
    expect(seqsOf(await open('time=24h&not=authn_login_fail'))).toEqual([]);
    expect(seqsOf(await open('time=7d&not=authn_login_fail'))).toEqual([5, 4, 3, 2, 1]);
    const typed = await open('time=1h&from=2026-01-01T00:00&not=authn_login_fail');
    expect(seqsOf(typed)).toHaveLength(5);
    expect(typed).not.toContain('Time: last hour');
    // An act on what is shown is about these moments, whenever it is done.
    const secure = linkTo(hour, 'Secure these accounts') ?? '';
    expect(secure).toContain('from=');
    expect(secure).not.toContain('time=');
    expect(await open('time=2h', 422)).toContain('There is no such range.');
  });

  test('last night is from 22:00 to 6:00 in the zone of the page, also where the clocks change', () => {
    const night = (zone: string, now: string) => {
      const range = rangeOf('night', timesIn(zone, new Date(now)));
      return [range?.from.toISOString(), range?.to?.toISOString()];
    };
    const utc = ['2026-11-28T22:00:00.000Z', '2026-11-29T06:00:00.000Z'];
    expect(night('UTC', '2026-11-29T09:00:00Z')).toEqual(utc);
    expect(night('UTC', '2026-11-29T03:00:00Z')).toEqual(utc);
    expect(night('UTC', '2026-11-29T23:59:00Z')).toEqual(utc);
    expect(night('Asia/Tokyo', '2026-11-28T16:00:00Z')).toEqual([
      '2026-11-28T13:00:00.000Z',
      '2026-11-28T21:00:00.000Z',
    ]);
    expect(night('America/New_York', '2026-11-29T03:00:00Z')).toEqual([
      '2026-11-28T03:00:00.000Z',
      '2026-11-28T11:00:00.000Z',
    ]);
    expect(night('Europe/Berlin', '2026-10-25T08:00:00Z')).toEqual([
      '2026-10-24T20:00:00.000Z',
      '2026-10-25T05:00:00.000Z',
    ]);
    expect(night('Europe/Berlin', '2027-01-01T08:00:00Z')).toEqual([
      '2026-12-31T21:00:00.000Z',
      '2027-01-01T05:00:00.000Z',
    ]);
  });

  test('last night is shown with its moments', async () => {
    const text = await open('time=night');
    expect(text).toMatch(/Time: last night, \d+ \w+ \d{4}, 22:00:00 to \d+ \w+ \d{4}, 06:00:00/);
  });
});
