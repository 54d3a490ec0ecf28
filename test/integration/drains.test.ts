// Drains: the whole log reaches its receiver, in order, whatever that does with it; nothing is sent twice without need, and what
// an operator does with a drain is recorded.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { type Receiver, ReceiverError } from '../../src/core/shipping/receivers/receiver.ts';
import { openWebhook } from '../../src/core/shipping/receivers/webhook.ts';
import { commandLine } from '../support/command-line.ts';
import { openDrain, type TestDrain } from '../support/drains.ts';
import { FILL, filledLog } from '../support/filled-log.ts';
import { startLogReceiver } from '../support/log-receiver.ts';
import { world } from '../support/world.ts';

const { stores, worker, web, sql, tamper, openWorker, newOperator, atEnd } = await world({ worker: true });
const second = await openWorker();
const { emptyLog } = filledLog({ sql, tamper });
let receiver = await startLogReceiver();
atEnd(() => receiver.close());
let opened: Receiver[] = [];

const webhook = (answerWithinMs = 10_000) => {
  const keys = [Buffer.from(receiver.secret.slice('whsec_'.length), 'base64')];
  const one = openWebhook({ kind: 'webhook', url: receiver.url, keys, ca: receiver.ca }, { answerWithinMs });
  opened.push(one);
  return one;
};
const drain = (more: Partial<Parameters<typeof openDrain>[1]> = {}): TestDrain =>
  openDrain(worker, { receiver: webhook(), ...more });
let filled = 0;
async function sealMore(count: number): Promise<void> {
  await sql(FILL, [count, filled + 1]);
  filled += count;
  await worker.sealing.seal();
}
const allUpTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const row = async (name = 'siem') => (await worker.drains.list()).find((one) => one.name === name);
const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };

beforeEach(async () => {
  await emptyLog();
  await sql('DELETE FROM audit_drain');
  filled = 0;
});

afterEach(async () => {
  for (const one of opened) one.close();
  opened = [];
  await receiver.close();
  receiver = await startLogReceiver();
});

describe('a webhook', () => {
  test('gets the whole log once and in order, as lines that prove themselves, and what is sealed later', async () => {
    await sealMore(2_500);
    const siem = drain();
    expect(await siem.run()).toBe(500);
    // Setting the drain up is an event of its own, which waits to be sealed.
    expect(receiver.seqs()).toEqual(allUpTo(2_500));
    expect(receiver.taken.map(({ lines }) => lines.length)).toEqual([1_000, 1_000, 500]);
    expect(await row()).toMatchObject({ seq: 2_500, behind: 0, failures: 0, served: true, format: 'holdfast' });
    await worker.sealing.seal();
    expect(await row()).toMatchObject({ behind: 1 });
    expect((await row())?.lagSeconds).toBeGreaterThan(0);
    await siem.run();
    const lines = receiver.taken.flatMap((message) => message.lines);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      seq: 2_501,
      type: 'sys_drain_set',
      detail: { drain: 'siem' },
    });
    const exported: string[] = [];
    const { exportLog } = await import('../../src/core/audit/reading/export.ts');
    const { EVERY_EVENT } = await import('../../src/core/audit/reading/query.ts');
    for await (const { bytes, events } of exportLog(worker, EVERY_EVENT, 'ndjson'))
      if (events > 0) exported.push(Buffer.from(bytes).toString());
    expect(lines.join('\n')).toBe(
      exported
        .join('')
        .trimEnd()
        .replaceAll(/,"actorEmail":null,"subjectEmail":null(?=\}$)/gm, ''),
    );
  });

  test('that answers late, with errors, leads elsewhere, cuts or loses its answer gets each event, and a repetition has the same id', async () => {
    await sealMore(3_000);
    const siem = drain({ receiver: webhook(300) });
    // The second cut meets a connection that was kept: it is repeated at once.
    receiver.answer('cut', 500, 'cut', 302, 'late', 'lost', 'take', 503);
    const [waits, errors]: [number[], unknown[]] = [[], []];
    while ((await row())?.seq !== 3_000) {
      waits.push(await siem.run());
      errors.push((await row())?.lastError);
    }
    expect(receiver.seqs()).toEqual(allUpTo(3_000));
    // Twice as long each time, and from the start after a success.
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 1_000, 500]);
    expect(errors.slice(0, 6)).toEqual([
      'could not be reached (ECONNRESET)',
      'answered 500',
      'answered 302: redirects are not followed',
      'did not answer in time',
      'could not be reached (ECONNRESET)',
      'answered 503',
    ]);
    expect(new Set(receiver.asked).size).toBe(3);
    expect(new Set(receiver.asked.slice(0, 7)).size).toBe(1);
  });

  test('whose certificate nobody vouches for gets nothing', async () => {
    await sealMore(10);
    const keys = [Buffer.alloc(32)];
    const blind = openWebhook({ kind: 'webhook', url: receiver.url, keys, ca: null });
    opened.push(blind);
    await drain({ receiver: blind }).run();
    expect(await row()).toMatchObject({
      seq: 0,
      failures: 1,
      lastError: 'could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
    });
    expect(receiver.asked).toEqual([]);
  });

  test('is left alone for as long as it asks', async () => {
    const asks: Receiver = {
      ...webhook(),
      send: async () => {
        throw new ReceiverError('answered 429', { retryAfterMs: 600_000 });
      },
    };
    await sealMore(1);
    expect(await drain({ receiver: asks }).run()).toBe(600_000);
  });

  test('that is away for an hour while the log grows gets all of it when it is back, in order', async () => {
    await sealMore(1_500);
    const siem = drain();
    await siem.run();
    await receiver.stop();
    let [now, tries] = [0, 0];
    for (; now < 3_600_000; tries += 1) {
      if (tries % 5 === 0) await sealMore(100);
      now += await siem.run();
    }
    expect(tries).toBeLessThan(80);
    expect(await row()).toMatchObject({
      seq: 1_500,
      failures: tries,
      lastError: 'could not be reached (ECONNREFUSED)',
    });
    await receiver.startAgain();
    expect(await siem.run()).toBe(500);
    const { behind, seq } = (await row()) ?? {};
    expect(behind).toBe(0);
    expect(receiver.seqs()).toEqual(allUpTo(seq ?? 0));
    expect(seq).toBeGreaterThan(1_500 + 100);
  });
});

describe('two workers', () => {
  test('do not drain the same drain; one takes over when the other lets go of it, or its lease runs out', async () => {
    await sealMore(1_000);
    const [one, two] = [drain(), openDrain(second, { receiver: webhook() })];
    await one.run();
    await sealMore(1_000);
    expect(await two.run()).toBe(1_000);
    expect((await row())?.seq).toBe(1_000);
    await one.end();
    expect(await two.run()).toBe(500);
    expect((await row())?.behind).toBe(0);
    await sealMore(10);
    const three = drain();
    expect(await three.run()).toBe(1_000);
    await sql(`UPDATE audit_drain SET held_until = clock_timestamp() - interval '1 millisecond'`);
    expect(await three.run()).toBe(500);
    expect(receiver.seqs()).toEqual(allUpTo((await row())?.seq ?? 0));
  });

  test('one that was held up for so long that the other took over does not move the cursor', async () => {
    await sealMore(1_000);
    const slow = webhook();
    let proceed: () => void = () => undefined;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const held: Receiver = {
      ...slow,
      send: async (batch, signal) => {
        await new Promise<void>((resolve) => {
          proceed = resolve;
          begin();
        });
        await slow.send(batch, signal);
      },
    };
    const running = drain({ receiver: held }).run();
    await begun;
    await sql(`UPDATE audit_drain SET held_until = clock_timestamp() - interval '1 millisecond'`);
    await openDrain(second, { receiver: webhook() }).run();
    await sql('UPDATE audit_drain SET seq = 700');
    proceed();
    expect(await running).toBe(1_000);
    expect((await row())?.seq).toBe(700);
  });
});

describe('an operator', () => {
  const recorded = () =>
    sql<{ type: string; detail: unknown }>(
      `SELECT event->>'type' AS type, event->'detail' AS detail FROM outbox
        WHERE event->>'type' LIKE 'sys_drain%' AND event->>'type' <> 'sys_drain_set' ORDER BY id`,
    );

  test('pauses and resumes', async () => {
    await sealMore(10);
    const siem = drain();
    await siem.run();
    expect(await web.context.drains.pause('siem', by)).toBe(true);
    expect(await web.context.drains.pause('siem', by)).toBe(false);
    expect(await web.context.drains.pause('another', by)).toBe(false);
    await sealMore(10);
    await siem.run();
    expect(await row()).toMatchObject({ seq: 10, pausedAt: expect.any(Date) });
    expect(await web.context.drains.resume('siem', by)).toBe(true);
    expect(await web.context.drains.resume('siem', by)).toBe(false);
    await siem.run();
    expect(await row()).toMatchObject({ behind: 0, pausedAt: null });
  });

  test('rewinds to a number: everything from it on is sent again, with other ids, and no number beyond is reached by it', async () => {
    await sealMore(1_000);
    const siem = drain();
    await siem.run();
    expect(await web.context.drains.rewind('siem', 1_001, by)).toEqual({
      ok: false,
      reason: 'no_such_event',
      first: 1,
      last: 1_000,
    });
    expect(await web.context.drains.rewind('siem', 0, by)).toMatchObject({ ok: false });
    expect(await web.context.drains.rewind('another', 1, by)).toEqual({ ok: false, reason: 'unknown_drain' });
    expect(await web.context.drains.rewind('siem', 901, by)).toEqual({ ok: true });
    expect((await row())?.againFrom).toBe(901);
    expect(await recorded()).toEqual([
      { type: 'sys_drain_rewound', detail: { drain: 'siem', from: 901, sentTo: 1_000, reason: 'a test' } },
    ]);
    await siem.run();
    const [, again] = receiver.taken;
    expect(again?.lines).toHaveLength(100);
    expect(JSON.parse(again?.lines[0] ?? '')).toMatchObject({ seq: 901 });
    // The same events once more are another message: a receiver that drops repetitions takes it.
    expect(await web.context.drains.rewind('siem', 901, by)).toEqual({ ok: true });
    await siem.run();
    expect(receiver.taken[2]?.lines.slice(0, 100)).toEqual(again?.lines);
    expect(receiver.taken[2]?.id).not.toBe(again?.id);
    await expect(web.context.database.pool.query('UPDATE audit_drain SET seq = 5000')).rejects.toMatchObject({
      code: '42501',
    });
  });
});

test('what an operator asks for is taken up in the middle of a long way', async () => {
  await sealMore(4_500);
  const through = webhook();
  let sent = 0;
  const watched: Receiver = {
    ...through,
    send: async (batch, signal) => {
      await through.send(batch, signal);
      sent += 1;
      if (sent === 2) {
        expect(await web.context.drains.rewind('siem', 500, by)).toMatchObject({ ok: true });
      }
    },
  };
  const siem = drain({ receiver: watched });
  const isDone = async () => {
    const { behind, againFrom } = (await row()) ?? {};
    return behind === 0 && againFrom === null;
  };
  while (!(await isDone())) await siem.run();
  expect(receiver.seqs()).toEqual(allUpTo((await row())?.seq ?? 0));
  expect(receiver.taken.some(({ lines }) => lines[0]?.includes('"seq":500,'))).toBe(true);
});

describe('the command line', () => {
  const cli = commandLine(stores);
  const drains = (...args: string[]) => cli(['audit', 'drains', ...args]);
  const why = ['--reason', 'a test'];

  test('lists, pauses, resumes, rewinds, and forgets what no worker has any more', async () => {
    await sealMore(20);
    const siem = drain();
    await siem.run();
    expect(JSON.parse((await drains('list', '--json')).out)).toMatchObject({
      name: 'siem',
      seq: 20,
      state: 'draining',
    });
    expect(await drains('pause', 'siem', ...why)).toMatchObject({ code: 0, out: expect.stringContaining('is paused') });
    expect(await drains('pause', 'siem', ...why)).toMatchObject({
      code: 1,
      err: 'The drain is paused already.\n',
    });
    expect((await drains('list')).out).toMatch(/siem +https:\/\/localhost +holdfast +20 .*paused/);
    expect((await drains('resume', 'siem', ...why)).code).toBe(0);
    expect(await drains('rewind', 'siem', '21', ...why)).toMatchObject({
      code: 1,
      err: expect.stringContaining('events 1 to 20'),
    });
    expect(await drains('rewind', 'siem', 'x', ...why)).toMatchObject({ code: 2 });
    expect((await drains('rewind', 'siem', '11', ...why)).code).toBe(0);
    await siem.run();
    expect(JSON.parse(receiver.taken[1]?.lines[0] ?? '')).toMatchObject({ seq: 11 });
    const owner = { env: { DATABASE_URL: stores.database.ownerUrl } };
    const forget = ['audit', 'drains', 'forget', 'siem', ...why];
    expect(await cli(forget, owner)).toMatchObject({ code: 1, err: 'A worker still has the drain in its file.\n' });
    expect(await drains('resume', 'siem', ...why)).toMatchObject({ code: 1, err: 'The drain is not paused.\n' });
    await sql(`UPDATE audit_drain SET seen_at = now() - interval '3 minutes'`);
    expect((await drains('list')).out).toContain('no worker');
    expect((await cli(forget, owner)).code).toBe(0);
    expect(await row()).toBeUndefined();
    await worker.sealing.seal();
    const told = await sql<{ type: string; by: string; reason: string }>(
      `SELECT type, detail->>'by' AS by, detail->>'reason' AS reason FROM audit_event
        WHERE type LIKE 'sys_drain%' AND type <> 'sys_drain_set' ORDER BY seq`,
    );
    const acts = ['sys_drain_paused', 'sys_drain_resumed', 'sys_drain_rewound', 'sys_drain_forgotten'];
    expect(told).toEqual(acts.map((type) => ({ type, by: 'cli', reason: 'a test' })));
  });
});

test('a new drain begins where its file says', async () => {
  await sealMore(50);
  await drain({ name: 'later', start: 'now' }).run();
  await drain({ name: 'from-40', start: 40 }).run();
  expect(receiver.seqs()[0]).toBe(40);
  expect((await row('later'))?.seq).toBe(50);
});

test('events that were dropped before they were sent are named, and the rest goes on', async () => {
  await sealMore(100);
  await tamper('DELETE FROM audit_event WHERE seq <= 40');
  const siem = drain();
  await sql(
    `INSERT INTO audit_drain (name, kind, target, format, seq) VALUES ('siem', 'webhook', 'https://localhost', 'holdfast', 10)`,
  );
  await siem.run();
  expect(receiver.seqs()).toEqual(allUpTo(100).slice(40));
  await worker.sealing.seal();
  const named = await sql(`SELECT outcome, detail FROM audit_event WHERE type = 'sys_drain_gap'`);
  expect(named).toEqual([{ outcome: 'failure', detail: { drain: 'siem', first: 11, last: 40 } }]);
  await tamper('DELETE FROM audit_event WHERE seq <= 100');
  await tamper('UPDATE audit_drain SET seq = 50');
  await siem.run();
  expect((await row())?.behind).toBe(0);
});

test('what was erased of a person is sent as the log has it then', async () => {
  const { id } = await newOperator();
  await worker.sealing.seal();
  await tamper(
    `UPDATE audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL WHERE subject_id = '${id}' OR actor_id = '${id}'`,
  );
  await drain().run();
  const lines = receiver.taken.flatMap((message) => message.lines).filter((line) => line.includes(id));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ ip: null, userAgent: null, personalSalt: null });
});

test('one that stops is told to in the middle of a batch, and another goes on', async () => {
  await sealMore(2_000);
  const stopping = new AbortController();
  receiver.answer('late');
  const one = drain();
  const running = one.run(stopping.signal);
  await until(() => receiver.asked.length === 1);
  stopping.abort();
  await running;
  await one.end();
  expect((await row())?.failures).toBe(0);
  await openDrain(second, { receiver: webhook() }).run();
  expect(receiver.seqs()).toEqual(allUpTo(2_000));
});
