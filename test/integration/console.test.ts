// The console's lists and an event's page: each list is walked to its end and back without leaving one out, says how many there
// are, keeps its filters in its address; the page of an event tells all of it, and whether it still proves itself.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type AuditPage, createAuditLog, type PageKey } from '../../src/core/audit/reading/audit-log.ts';
import { exportLog } from '../../src/core/audit/reading/export.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { Browser } from '../support/app.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, tamper, newOperator } = await world({ worker: true });
const { browser: operator, id: operatorId, email: operatorEmail } = await newOperator();

/** What a list shows on each page, from one page on by the links of one name, to the end. */
async function walk(path: string, link: string, pick: RegExp): Promise<{ shown: string[][]; last: string }> {
  const shown: string[][] = [];
  let at: string = path;
  for (let next: string | null = path; next !== null && shown.length < 20; ) {
    at = next;
    const { status, text } = await operator.get(at);
    expect([at, status]).toEqual([at, 200]);
    shown.push([...text.matchAll(pick)].map((match) => match[1] ?? ''));
    next = linkTo(text, link) ?? null;
  }
  return { shown, last: at };
}

describe('the people', () => {
  const ADDRESS = /data-open title="([^"]+)"/g;
  const count = async (filter: string) =>
    /<p class="count">(.*?) <span/s.exec((await operator.get(`/operator/users?${filter}`)).text)?.[1];

  beforeAll(async () => {
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash, role, disabled_at)
       SELECT gen_random_uuid(), 'Walker-' || n || '@Example.org', 'walker-' || n || '@example.org', '',
              CASE WHEN n % 60 = 0 THEN 'operator' ELSE 'member' END::role, CASE WHEN n % 40 = 0 THEN now() END
         FROM generate_series(1, 120) AS n`,
    );
    await sql(
      `INSERT INTO totp (user_id, secret, last_step) SELECT id, '\\x00', 0 FROM user_account WHERE email_key LIKE 'walker-1_@%'`,
    );
    await sql(
      `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name)
       SELECT gen_random_uuid(), id, id::text, '\\x00', 0, '{}', 'a key' FROM user_account WHERE email_key LIKE 'walker-1__@%'`,
    );
  });

  test('are walked to the end and back, each once, by address', async () => {
    const there = await walk('/operator/users?q=WALKER', 'Next', ADDRESS);
    expect(there.shown.map(({ length }) => length)).toEqual([50, 50, 20]);
    const all = there.shown.flat();
    expect(new Set(all).size).toBe(120);
    expect(decodeURIComponent(there.last)).not.toContain('@'); // proxies log it
    const back = await walk(there.last, 'Previous', ADDRESS);
    expect(back.shown.toReversed()).toEqual(there.shown);
    expect((await operator.get(there.last)).text).toContain('href="/operator/users?q=WALKER">First</a>');
  });

  test('are counted and narrowed by address, role, state and second factor, alone and together', async () => {
    expect(await count('q=walker')).toBe('120 people');
    expect(await count('q=walker-1%40')).toBe('1 person');
    expect(await count('q=walker&role=operator')).toBe('2 people');
    expect(await count('q=walker&state=disabled')).toBe('3 people');
    expect(await count('q=walker&factor=yes')).toBe('31 people');
    expect(await count('q=walker&factor=no&state=active')).toBe('87 people');
    expect(await count('q=walker&role=operator&state=disabled&factor=yes')).toBe('1 person');
    expect(await count('q=nobody-at-all')).toBe('0 people');
    await new Browser(web.url).register('reader@bücher.example');
    expect(await count('q=B%C3%BCcher')).toBe('1 person');
    expect(await count('q=xn--bcher-kva')).toBe('1 person');
    expect(await count('q=%25')).toBe('0 people');
  });

  test('keep their filters in the address, each with a chip that takes it away', async () => {
    const { text } = await operator.get('/operator/users?q=walker&role=operator&factor=yes');
    expect(text).toContain('href="/operator/users?role=operator&amp;factor=yes"');
    expect(text).toContain('href="/operator/users?q=walker&amp;factor=yes"');
    expect(text).toContain('<option value="yes" selected>');
    expect((await operator.get('/operator/users?role=king')).status).toBe(422);
    expect((await operator.get('/operator/users?role=member&role=operator')).status).toBe(200);
    expect((await operator.get('/operator/users?q=nobody-at-all')).text).toContain('Nobody matches.');
    expect((await operator.get('/operator/users?after=zzzz')).text).toContain('There is nobody on this page.');
  });
});

describe('the attempts', () => {
  test('are walked to the end and back, each once, also those of the same instant', async () => {
    await sql(
      `INSERT INTO login_attempt (id, occurred_at, identifier_hash, ip, user_agent, outcome, reason)
       SELECT gen_random_uuid(), now() - (n / 70) * interval '1 minute', '\\x00', '198.51.100.9', 'walk-' || n || '/1.0', 'failure', 'unknown_account'
         FROM generate_series(1, 120) AS n`,
    );
    const device = /class="c-device"><bdi>(walk-\d+)</g;
    const there = await walk('/operator/attempts?address=198.51.100.9', 'Older', device);
    expect(there.shown.map(({ length }) => length)).toEqual([50, 50, 20]);
    expect(new Set(there.shown.flat()).size).toBe(120);
    const { text } = await operator.get(`/operator/attempts?person=${encodeURIComponent(operatorEmail)}&time=all`);
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => decodeURIComponent(href));
    expect(links.filter((href) => href.includes('@'))).toEqual([]);
    const back = await walk(there.last, 'Newer', device);
    expect(back.shown.toReversed()).toEqual(there.shown);
  });

  test('have a picture of the list itself: its time, its person, its address, its outcome', async () => {
    const id = '018f0000-0000-7000-8000-00000000c0de';
    await sql(
      `INSERT INTO login_attempt (id, occurred_at, identifier_hash, ip, outcome)
       SELECT gen_random_uuid(), now() - days * interval '1 day', '\\x00', '198.51.100.77', outcome
         FROM (VALUES (0, 'failure'), (3, 'failure'), (3, 'success'), (40, 'failure')) AS made (days, outcome)`,
    );
    await sql(
      `INSERT INTO throttle_block (id, scope, key, ip, started_at, until_at, failures)
       VALUES ('${id}', 'client', 'k', '198.51.100.77', now() - interval '2 days', now() - interval '1 day', 3)`,
    );
    await sql(
      `INSERT INTO throttle_refusal (block_id, since, attempts) VALUES ('${id}', now() - interval '2 days', 12)`,
    );
    const told = async (filter: string) => {
      const { text } = await operator.get(`/operator/attempts?address=198.51.100.77&${filter}`);
      return /<span class="dot">·<\/span> ([^<]*)<\/figcaption>/.exec(text)?.[1];
    };
    expect(await told('')).toBe(
      'Last 24 hours, with these filters: 0 successes, 1 failure, 0 refused unseen, 0 blocks.',
    );
    expect(await told('time=1h')).toMatch(/^Last hour, with these filters: 0 successes, 1 failure/);
    expect(await told('time=7d')).toMatch(/: 1 success, 2 failures, 12 refused unseen, 1 block\.$/);
    expect(await told('time=7d&outcome=success')).toMatch(/: 1 success, 0 failures, 0 refused unseen, 0 blocks\.$/);
    expect(await told('time=all')).toMatch(/^All that is kept, with these filters: 1 success, 3 failures/);
    const all = (await operator.get('/operator/attempts?time=all')).text;
    expect(all).toContain('All that is kept: ');
    expect(all).toMatch(/>\d+ Oct<\/text>|>\d+ Nov<\/text>/);
  });
});

describe('the page of an event', () => {
  const hostile = '<b>bold</b>\u202e"';
  let seqs: number[];

  beforeAll(async () => {
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'authz_fail', 'outcome', 'failure',
         'occurredAt', '2026-11-24T09:00:00.000Z', 'actor', $1::text, 'session', $2::text, 'requestId', 'of-one-request',
         'ip', '203.0.113.9', 'userAgent', 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
         'detail', jsonb_build_object('n', n, 'path', $3::text)) FROM generate_series(1, 3) AS n`,
      [operatorId, '018f0000-0000-7000-8000-000000000001', hostile],
    );
    await worker.sealing.seal();
    const rows = await sql<{ seq: string }>(
      `SELECT seq FROM audit_event WHERE request_id = 'of-one-request' ORDER BY seq`,
    );
    seqs = rows.map(({ seq }) => Number(seq));
  });

  test('tells all of it, proves it anew, and leads to its neighbours', async () => {
    const [before = 0, seq = 0, after = 0] = seqs;
    const { status, text } = await operator.get(`/operator/audit/${seq}`);
    const [row] = await sql<{ hash: Buffer; id: string }>('SELECT hash, id FROM audit_event WHERE seq = $1', [seq]);
    expect(status).toBe(200);
    for (const part of [
      ...['authz_fail', '203.0.113.9', 'Firefox on Linux', 'rv:142.0', 'of-one-request'],
      ...['018f0000-0000-7000-8000-000000000001', row?.hash.toString('hex') ?? '?', row?.id ?? '?'],
      `its hash is right, and it follows event ${before}`,
      `/operator/audit?actor=${operatorId}`,
      '>24 Nov 2026, 09:00:00</time>',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('<b>bold');
    expect(linkTo(text, 'Older')).toBe(`/operator/audit/${before}`);
    expect(linkTo(text, 'Newer')).toBe(`/operator/audit/${after}`);
    const [ofRequest = '', ofSession = ''] = text.split('In the same session');
    for (const part of [ofRequest.split('In the same request')[1] ?? '', ofSession]) {
      expect([...part.matchAll(/id="event-(\d+)"/g)].map((match) => Number(match[1]))).toEqual(seqs.toReversed());
    }
  });

  test('of the first leads to none before it, and what there is not is not found', async () => {
    const { text } = await operator.get('/operator/audit/1');
    expect(linkTo(text, 'Older')).toBeUndefined();
    expect(text).toContain('its hash is right, and it is the first of the log');
    for (const path of ['0', '-1', '01', '1.5', 'x', '999999999', '99999999999999999999']) {
      expect([path, (await operator.get(`/operator/audit/${path}`)).status]).toEqual([path, 404]);
    }
  });

  test('says what was erased, and names what was altered', async () => {
    const [erased = 0, altered = 0] = seqs;
    await tamper(`UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE seq = ${erased}`);
    await tamper(`UPDATE audit_event SET detail = '{"n": 7}' WHERE seq = ${altered}`);
    const [first = ''] = (await operator.get(`/operator/audit/${erased}`)).text.split('In the same request');
    expect(first).toContain('its hash is right');
    expect(first).toContain('erased');
    expect(first).not.toContain('203.0.113.9');
    const second = (await operator.get(`/operator/audit/${altered}`)).text;
    expect(second).toContain('This event does not prove itself');
    expect(second).toContain(`event ${altered} was altered`);
  });
});

describe('text in what one person has', () => {
  const MANY = '018f0000-0000-7000-8000-0000000000a1';
  const FEW = '018f0000-0000-7000-8000-0000000000a2';

  beforeAll(async () => {
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'authn_login_fail',
         'outcome', 'failure', 'occurredAt', '2026-11-24T09:00:00.000Z',
         CASE WHEN n % 3 = 0 THEN 'subject' ELSE 'actor' END, CASE WHEN n % 100 = 7 THEN $2::text WHEN n % 5 < 4 THEN $1::text END,
         'detail', jsonb_build_object('n', n, 'word', CASE WHEN n % 2000 = 6 THEN 'rare' WHEN n % 5 = 4 THEN 'elsewhere' ELSE 'common' END))
         FROM generate_series(1, 9000) AS n`,
      [MANY, FEW],
    );
    while ((await worker.sealing.seal()) > 0);
    await worker.textIndex.keepUp(); // knows all but the newest
  });

  test.each([
    [MANY, 'word: rare'],
    [MANY, 'WORD: COMMON'],
    [MANY, 'elsewhere'],
    [MANY, 'n: 89'],
    [MANY, 'nowhere at all'],
    [FEW, 'common'],
    [FEW, 'n: 7'],
    [FEW, 'nowhere at all'],
  ])('%s, “%s”: is what reading every event finds, from both ends', async (person, text) => {
    const expected = await sql<{ seq: string }>(
      `SELECT seq FROM audit_event WHERE $1::uuid IN (actor_id, subject_id)
          AND strpos(lower(replace(detail::text, '"', '')), $2) > 0 ORDER BY seq DESC`,
      [person, text.toLowerCase()],
    );
    const seqs = expected.map(({ seq }) => Number(seq));
    const { auditLog } = web.context;
    const filter = { ...EVERY_EVENT, person, text };
    const newest = await auditLog.page(filter, null, 20);
    expect(newest.events.map(({ seq }) => seq)).toEqual(seqs.slice(0, 20));
    const oldest = await auditLog.page(filter, { after: 0 }, 20);
    expect(oldest.events.map(({ seq }) => seq)).toEqual(seqs.slice(-20));
    const alone = await auditLog.page({ ...EVERY_EVENT, actor: person, text }, null, 9_000);
    const did = await sql('SELECT FROM audit_event WHERE seq = ANY($1::bigint[]) AND actor_id = $2', [seqs, person]);
    expect(alone.events).toHaveLength(did.length);
  });
});

describe('a search of more than a page may wait for', () => {
  const RARE = { ...EVERY_EVENT, text: 'word: rare' };
  const hurried = () =>
    createAuditLog({ database: web.context.database, limits: { searchMs: 1, firstPiece: 1_000, part: 1_000 } });
  let expected: number[];

  beforeAll(async () => {
    const rows = await sql<{ seq: string }>(
      `SELECT seq FROM audit_event WHERE strpos(lower(replace(detail::text, '"', '')), 'word: rare') > 0 ORDER BY seq DESC`,
    );
    expected = rows.map(({ seq }) => Number(seq));
    expect(expected.length).toBeGreaterThan(3);
  });

  test('says how far it looked, and goes on from there: nothing is left out, either way', async () => {
    const auditLog = hurried();
    const seqsOf = ({ events }: AuditPage) => events.map(({ seq }) => seq);
    const older: number[] = [];
    let pages = 0;
    for (let key: PageKey = null; ; pages += 1) {
      const page = await auditLog.page(RARE, key, 2);
      older.push(...seqsOf(page));
      const edge: number | undefined = page.lookedTo ?? older.at(-1);
      if (!page.hasOlder || edge === undefined) break;
      expect(edge).toBeLessThan((key as { before: number } | null)?.before ?? Number.POSITIVE_INFINITY);
      key = { before: edge };
    }
    expect(older).toEqual(expected);
    expect(pages).toBeGreaterThan(expected.length / 2);

    const newer: number[] = [];
    for (let after = 0; ; ) {
      const page = await auditLog.page(RARE, { after }, 2);
      newer.unshift(...seqsOf(page));
      if (!page.hasNewer) break;
      after = page.lookedTo ?? newer[0] ?? Number.NaN;
    }
    expect(newer).toEqual(expected);
  });

  test('is an export or a stream that takes the log in stretches, and leaves nothing out', async () => {
    const auditLog = hurried();
    const { seq: upTo } = await auditLog.head();
    const lines: string[] = [];
    for await (const { bytes, events } of exportLog({ ...worker, auditLog }, RARE, 'ndjson'))
      if (events > 0) lines.push(...Buffer.from(bytes).toString().split('\n'));
    expect(lines.filter(Boolean).map((line) => JSON.parse(line).seq)).toEqual(expected.toReversed());
    const followed: number[] = [];
    let stretches = 0;
    for (let after = 0; after < upTo; stretches += 1) {
      const { events, readTo } = await auditLog.following(RARE, { after, upTo }, 2);
      followed.push(...events.map(({ seq }) => seq));
      expect(readTo).toBeGreaterThan(after);
      after = readTo;
    }
    expect(followed).toEqual(expected.toReversed());
    expect(stretches).toBeGreaterThanOrEqual(Math.floor(upTo / 1_000));
  });

  test('is told as such on the page, with a link that looks further', async () => {
    const { auditLog } = web.context;
    const page = auditLog.page;
    auditLog.page = hurried().page;
    try {
      let next: string | undefined = '/operator/audit?text=nowhere+at+all';
      let text = '';
      let told = 0;
      for (; next !== undefined; told += 1) {
        ({ text } = await operator.get(next));
        next = linkTo(text, 'Look further')?.replaceAll('&amp;', '&');
        if (next !== undefined) expect(text).toContain('Nothing found so far.');
        expect(text).not.toContain('>many');
      }
      expect(told).toBeGreaterThan(1);
      expect(text).toContain('No event that matches lies there.');
    } finally {
      auditLog.page = page;
    }
  });
});
