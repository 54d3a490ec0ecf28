// A row of the outbox that makes no sense, as a bug of a newer version or a process that is no longer ours could leave it,
// stands in nobody's way: it is sealed, what fits no column goes into its detail, and what came after it is sealed too.
import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, tamper, redis } = await world({ worker: true });
const { emptyLog, fillOutbox } = filledLog({ sql, tamper });

beforeEach(emptyLog);

const event = (odd: object = {}) => ({ type: 'authn_login_fail', outcome: 'failure', detail: { n: 0 }, ...odd });
const block = { id: randomUUID(), scope: 'account', key: 'a:AAAA', lastsMs: 60_000, failures: 5 };
const attempt = { identifierHash: 'AAAA', device: null };

/** Seals that row and two after it, and returns the detail of the first. */
async function sealed(row: { event?: unknown; attempt?: unknown; block?: unknown }): Promise<unknown> {
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  await sql('INSERT INTO outbox (event, attempt, block) VALUES ($1, $2, $3)', [
    json(row.event ?? event()),
    json(row.attempt),
    json(row.block),
  ]);
  await fillOutbox(2);
  await worker.sealing.seal();
  expect(await sql('SELECT id FROM outbox')).toEqual([]);
  expect(await web.context.verification.verify()).toMatchObject({ intact: true, count: 3 });
  return (await sql<{ detail: unknown }>('SELECT detail FROM audit_event WHERE seq = 1'))[0]?.detail;
}

test.each<[string, object, object]>([
  ['an id that is none', { id: 'one' }, { id: 'one' }],
  ['no id', { id: undefined }, { id: null }],
  ['a length that is no number', { lastsMs: 'long' }, { lastsMs: 'long' }],
  ['a length beyond every calendar', { lastsMs: 1e300 }, { lastsMs: 1e300 }],
  ['a negative length', { lastsMs: -1 }, { lastsMs: -1 }],
  ['a scope that is none', { scope: ['a'] }, { scope: ['a'] }],
  ['no key and half a failure', { key: null, failures: 0.5 }, { key: null, failures: 0.5 }],
  ['more failures than a column holds', { failures: 2 ** 40 }, { failures: 2 ** 40 }],
])('a block with %s', async (_, odd, told) => {
  expect(await sealed({ block: { ...block, ...odd } })).toEqual({ n: 0, block: told });
  expect(await sql('SELECT id FROM throttle_block WHERE id = $1', [block.id])).toEqual([]);
});

test.each(['text', 7, [1], true, {}])('a block that is %j', async (odd) => {
  const told = odd instanceof Object && !Array.isArray(odd) ? expect.objectContaining({ id: null }) : odd;
  expect(await sealed({ block: odd })).toEqual({ n: 0, block: told });
});

test.each<[string, unknown, unknown]>([
  ['a browser that is none', { ...attempt, device: 'mine' }, { device: 'mine' }],
  ['an identifier that is none', { identifierHash: 5 }, { identifierHash: 5 }],
  ['no shape', [attempt], [attempt]],
])('an attempt with %s', async (_, odd, told) => {
  expect(await sealed({ attempt: odd })).toEqual({ n: 0, attempt: told });
});

test.each<[string, unknown]>([
  ['a list', ['wrong_password', 'again']],
  ['a number', 5],
  ['an object', { why: 'a' }],
])('an attempt whose reason is %s: it is recorded without one', async (_, reason) => {
  expect(await sealed({ event: event({ detail: { reason } }), attempt })).toEqual({ reason });
  expect(await sql('SELECT reason FROM login_attempt WHERE reason IS NOT NULL')).toEqual([]);
});

test('details that are nested deeper than anybody can hash are kept as text', async () => {
  for (const depth of [100, 1_500, 5_000]) {
    await emptyLog();
    const nested = `${'['.repeat(depth)}1${']'.repeat(depth)}`;
    await sql(`INSERT INTO outbox (event) VALUES ($1::jsonb)`, [
      `{"type": "authz_fail", "outcome": "failure", "detail": {"a": ${nested}, "b": ${nested}}, "more": ${nested}}`,
    ]);
    await fillOutbox(2);
    await worker.sealing.seal();
    expect(await web.context.verification.verify()).toMatchObject({ intact: true, count: 3 });
  }
});

test('a note that fits is recorded as ever', async () => {
  expect(await sealed({ attempt: { ...attempt, device: randomUUID() }, block })).toEqual({ n: 0 });
  expect(await sql('SELECT key, failures FROM throttle_block WHERE id = $1', [block.id])).toEqual([
    { key: 'a:AAAA', failures: 5 },
  ]);
});

test('what waits and makes no sense does not keep the throttle from being read back', async () => {
  const odd = { ...block, key: 'a:odd' };
  const notes: [unknown, unknown, unknown][] = [
    [event({ id: 'one', occurredAt: 'yesterday' }), attempt, null],
    [event({ id: randomUUID(), ip: 'nowhere' }), { ...attempt, identifierHash: 5 }, { ...odd, id: 'one' }],
    [event({ id: randomUUID() }), { ...attempt, device: 'mine' }, { ...odd, lastsMs: 'long' }],
    [event({ id: randomUUID() }), [attempt], { ...odd, lastsMs: 1e300 }],
    ['text', 7, true],
  ];
  for (const row of notes)
    await sql(
      'INSERT INTO outbox (event, attempt, block) VALUES ($1, $2, $3)',
      row.map((one) => one && JSON.stringify(one)),
    );
  const whole = { ...block, id: randomUUID(), key: 'a:whole' };
  await sql('INSERT INTO outbox (event, attempt, block) VALUES ($1, NULL, $2)', [
    JSON.stringify(event({ id: randomUUID() })),
    JSON.stringify(whole),
  ]);
  await redis.flushdb();
  const taken = await web.context.throttle.takeLogin({ account: 'BBBB', ip: '203.0.113.9', deviceId: null });
  expect(taken.ok).toBe(true);
  expect(await redis.exists('hf:t:mark')).toBe(1);
  const blocks = (await redis.keys('hf:t:b:*')).join();
  expect(blocks).toContain('a:whole');
  expect(blocks).not.toContain('a:odd');
});
