// The console's page of drains: how far each is, and its acts, each with a reason and recorded. It never shows a secret.
import { beforeEach, expect, test } from '@jest/globals';
import { FILL } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, newOperator, newMember } = await world({ worker: true });

beforeEach(async () => {
  await sql('DELETE FROM audit_drain');
  await sql(FILL, [20, 1]);
  await worker.sealing.seal();
  await sql(
    `INSERT INTO audit_drain (name, kind, target, format, seq, failures, last_error, failed_at)
     VALUES ('siem', 'webhook', 'https://siem.example.org', 'ocsf', 12, 3, 'answered 503', now())`,
  );
});

const row = async () => (await web.context.drains.list())[0];

test('shows how far each is and what is wrong with it', async () => {
  const { browser } = await newOperator();
  const { text } = await browser.get('/operator/drains');
  for (const words of ['siem', 'https://siem.example.org', 'event 12', 'answered 503', 'Tried again after 3 failures'])
    expect(text).toContain(words);
  expect(text).toMatch(/\d+ events, the oldest for less than a minute/);
  await sql('DELETE FROM audit_drain');
  expect((await browser.get('/operator/drains')).text).toContain('AUDIT_DRAINS_FILE');
});

test('pauses, resumes and rewinds with a reason, which is recorded with who gave it', async () => {
  const { browser, id } = await newOperator();
  const act = (name: string, fields: Readonly<Record<string, string>>) => {
    const path = `/operator/drains/siem/${name}`;
    return browser.submit(path, fields, path);
  };
  expect((await act('pause', { reason: ' ' })).status).toBe(422);
  expect(await row()).toMatchObject({ pausedAt: null });
  expect((await act('pause', { reason: 'it moves' })).status).toBe(303);
  expect((await browser.get('/operator/drains?done=drain-paused')).text).toMatch(/The drain is paused.*Paused/s);
  expect((await act('pause', { reason: 'it moves' })).status).toBe(409);
  expect((await act('resume', { reason: 'it has moved' })).status).toBe(303);
  for (const from of ['', 'x', '0', '13', '-1', '1e3', '9'.repeat(30)])
    expect({ from, status: (await act('rewind', { from, reason: 'lost' })).status }).toEqual({ from, status: 422 });
  expect((await act('rewind', { from: '5', reason: 'lost' })).status).toBe(303);
  expect(await row()).toMatchObject({ seq: 12, againFrom: 5, pausedAt: null });
  await worker.sealing.seal();
  const told = await sql(
    `SELECT type, actor_id AS actor, detail->>'drain' AS drain, detail->>'reason' AS reason FROM audit_event
      WHERE type LIKE 'sys_drain%' AND actor_id = '${id}' ORDER BY seq`,
  );
  expect(told).toEqual([
    { type: 'sys_drain_paused', actor: id, drain: 'siem', reason: 'it moves' },
    { type: 'sys_drain_resumed', actor: id, drain: 'siem', reason: 'it has moved' },
    { type: 'sys_drain_rewound', actor: id, drain: 'siem', reason: 'lost' },
  ]);
});

test('is for operators, and knows no drain that is not there', async () => {
  const [member, operator] = [await newMember(), await newOperator()];
  expect((await member.browser.get('/operator/drains')).status).toBe(403);
  expect((await member.browser.get('/operator/drains/siem/pause')).status).toBe(403);
  expect((await operator.browser.get('/operator/drains/another/pause')).status).toBe(404);
});
