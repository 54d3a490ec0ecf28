// Who reads of one person in the log is recorded, once for all the pages of a look.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newMember, newOperator } = await world({ worker: true });
const { id: personId, email: personEmail } = await newMember();
let operator: Browser;
let eventSeq: number;
let since: number;

beforeAll(async () => {
  await worker.sealing.seal();
  const [row] = await sql<{ seq: string }>('SELECT seq FROM audit_event WHERE subject_id = $1 LIMIT 1', [personId]);
  eventSeq = Number(row?.seq);
});

beforeEach(async () => {
  operator = (await newOperator()).browser;
  await worker.sealing.seal();
  since = (await web.context.auditLog.head()).seq;
});

async function reads(): Promise<string[]> {
  await worker.sealing.seal();
  const rows = await sql<{ subject_id: string }>(
    `SELECT subject_id FROM audit_event WHERE type = 'sensitive_read' AND seq > $1 ORDER BY seq`,
    [since],
  );
  return rows.map(({ subject_id }) => subject_id);
}

test('the log of one person, and its pages, are one look', async () => {
  const path = `/operator/audit?person=${encodeURIComponent(personEmail)}`;
  for (const page of [path, `${path}&before=1000000`, `${path}&outcome=success`, `/operator/audit?actor=${personId}`]) {
    expect((await operator.get(page)).status).toBe(200);
  }
  expect(await reads()).toEqual([personId]);
});

test('an event about somebody is a look at them, also where the page is asked for directly', async () => {
  expect((await operator.get(`/operator/audit/${eventSeq}`)).status).toBe(200);
  expect(await reads()).toEqual([personId]);
});

test('a session’s events are a look at whose it is, whatever was done in it, followed live too', async () => {
  const [own] = await sql<{ id: string }>('SELECT id FROM session ORDER BY created_at DESC LIMIT 1');
  await operator.get(`/operator/audit/${eventSeq}`); // in this session: of a person, not of its owner
  await worker.sealing.seal();
  expect((await operator.get(`/operator/audit?session=${own?.id}`)).status).toBe(200);
  expect(await reads()).toEqual([personId]);

  const [theirs] = await sql<{ id: string }>('SELECT id FROM session WHERE user_id = $1', [personId]);
  const live = (await newOperator()).browser.get(`/operator/audit/live?session=${theirs?.id}`).buffer(true);
  const status = live.parse((stream, done) => {
    (stream as unknown as Readable).destroy();
    done(null, (stream as unknown as IncomingMessage).statusCode);
  });
  expect((await status).body).toBe(200);
  expect(await reads()).toEqual([personId, personId]);

  await sql('DELETE FROM session WHERE id = $1', [theirs?.id]);
  const { browser: third } = await newOperator();
  expect((await third.get(`/operator/audit?session=${theirs?.id}`)).status).toBe(200);
  expect((await third.get(`/operator/audit/export?format=csv&session=${theirs?.id}`)).status).toBe(200);
  expect(await reads()).toEqual([personId, personId, personId]);
  const [exported] = await sql(
    `SELECT subject_id FROM audit_event WHERE type = 'audit_export' ORDER BY seq DESC LIMIT 1`,
  );
  expect(exported).toEqual({ subject_id: personId });
});

test('the attempts of one person, by address or id, and their pages, are one look; those of all are none', async () => {
  const path = `/operator/attempts?person=${encodeURIComponent(personEmail)}`;
  for (const page of ['/operator/attempts', '/operator/attempts?person=nobody@example.org&time=1h'])
    await operator.get(page);
  expect(await reads()).toEqual([]);
  for (const page of [path, `${path}&outcome=failure`, `/operator/attempts?person=${personId}&time=all`]) {
    expect((await operator.get(page)).status).toBe(200);
  }
  expect(await reads()).toEqual([personId]);
  const [read] = await sql<{ detail: object }>(
    "SELECT detail FROM audit_event WHERE type = 'sensitive_read' ORDER BY seq DESC LIMIT 1",
  );
  expect(read?.detail).toEqual({ what: 'attempts' });
});

test('the log as a whole, and one’s own events, are not', async () => {
  expect((await operator.get('/operator/audit')).status).toBe(200);
  expect((await operator.get('/operator/audit?type=authn_login_fail')).status).toBe(200);
  expect(await reads()).toEqual([]);
});

test('each operator is recorded for themselves, and each page again where Redis remembers nothing', async () => {
  const path = `/operator/audit?person=${personId}`;
  await operator.get(path);
  await (await newOperator()).browser.get(path);
  expect(await reads()).toEqual([personId, personId]);
  const remembered = await web.context.redis.keys('hf:r:*');
  await Promise.all(remembered.map((key) => web.context.redis.del(key.replace(/^hf:/, ''))));
  await operator.get(path);
  expect(await reads()).toHaveLength(3);
});
