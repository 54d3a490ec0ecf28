// The log while it is written: what a page that is open is sent, and that a reader who comes back misses nothing.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { type AuditEventType, NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, other, worker, newOperator } = await world({ webs: 2, worker: true });
let operator: Browser;
let cookie: string;
const controllers: AbortController[] = [];

beforeAll(async () => {
  operator = (await newOperator()).browser;
  await worker.sealing.seal();
  cookie = cookieOf(operator);
});

afterEach(() => {
  for (const controller of controllers.splice(0)) controller.abort();
});

function cookieOf(browser: Browser): string {
  return browser.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false }).toValueString();
}

async function happen(type: AuditEventType, count = 1): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await web.context.record({
      type,
      outcome: 'success',
      actor: null,
      subject: null,
      origin: NO_ORIGIN,
      detail: { n },
    });
  }
  await worker.sealing.seal();
}

interface Listening {
  readonly status: number;
  readonly seqs: number[];
  readonly html: string[];
  lastId: string;
  ended: boolean;
  leave(): void;
}

/** Reads a stream as a browser does. */
async function listen(query = '', { url = web.url, lastEventId = '', as = cookie } = {}): Promise<Listening> {
  const controller = new AbortController();
  controllers.push(controller);
  const response = await fetch(`${url}/operator/audit/live${query}`, {
    headers: { cookie: as, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) },
    redirect: 'manual',
    signal: controller.signal,
  });
  const listening: Listening = {
    status: response.status,
    seqs: [],
    html: [],
    lastId: '',
    ended: false,
    leave: () => controller.abort(),
  };
  void read(response, listening).catch(() => {
    listening.ended = true;
  });
  return listening;
}

async function read(response: Response, listening: Listening): Promise<void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const id = /^id: (\d+)$/m.exec(message)?.[1];
      if (id !== undefined) listening.lastId = id;
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (id === undefined || data === undefined) continue;
      listening.seqs.push(Number(id));
      listening.html.push(JSON.parse(data) as string);
    }
  }
  listening.ended = true;
}

const head = async () => (await web.context.auditLog.head()).seq;
const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a page', () => {
  test('that was made while events were sealed goes on after the last one it shows', async () => {
    const { auditLog } = web.context;
    const readHead = auditLog.head;
    jest.spyOn(auditLog, 'head').mockImplementationOnce(async () => {
      const read = await readHead();
      await happen('sys_cleanup', 2);
      return read;
    });
    const page = await operator.get('/operator/audit');
    const shown = await head();
    expect(page.text).toContain(`id="event-${shown}"`);
    expect(page.text).toContain(`data-live="/operator/audit/live?after=${shown}"`);
  });
});

describe('a stream', () => {
  test('sends what is sealed from now on, each event once and in order, as rows of the page', async () => {
    const before = await head();
    const stream = await listen();
    expect(stream.status).toBe(200);
    await happen('sys_cleanup', 3);
    await until(() => stream.seqs.length >= 3);
    expect(stream.seqs).toEqual(run(before + 1, before + 3));
    expect(stream.html[0]).toContain(`id="event-${before + 1}"`);
    expect(stream.html[0]).toContain('sys_cleanup');
  });

  test('goes on after the number that the reader has seen, in another process, without a gap or a repetition', async () => {
    const stream = await listen();
    await until(() => stream.lastId !== '');
    const before = Number(stream.lastId);
    await happen('sys_cleanup', 2);
    await until(() => stream.seqs.length >= 2);
    stream.leave();
    await happen('sys_startup', 450); // more than one batch
    const again = await listen('?after=1', { url: other.url, lastEventId: stream.lastId });
    await happen('sys_cleanup');
    await until(() => again.seqs.length >= 451);
    expect([...stream.seqs, ...again.seqs]).toEqual(run(before + 1, before + 453));
  });

  test('leaves out what its filter leaves out, and still moves the mark', async () => {
    const before = await head();
    const stream = await listen(`?type=sys_shutdown&after=${before}`);
    await happen('sys_cleanup', 2);
    await happen('sys_shutdown');
    await until(() => stream.seqs.length >= 1);
    expect(stream.seqs).toEqual([before + 3]);
    expect(stream.html[0]).toContain('type=sys_shutdown');
  });

  test('refuses a filter that does not fit', async () => {
    expect((await listen('?address=nowhere')).status).toBe(422);
  });

  test('ends within seconds once its session has', async () => {
    const { browser: fired } = await newOperator();
    await worker.sealing.seal();
    const stream = await listen('', { as: cookieOf(fired) });
    expect(stream.status).toBe(200);
    await fired.logOut();
    await until(() => stream.ended, 15_000);
    const again = await listen('', { as: cookieOf(fired) });
    expect(again.status).toBe(303);
  });

  test('is one of four of a session at most', async () => {
    const streams = [];
    for (let n = 0; n < 4; n += 1) streams.push(await listen());
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await listen()).status).toBe(503);
    streams[0]?.leave();
    await until(async () => (await listen()).status === 200);
  });

  test('that is left is no error in the program’s log', async () => {
    const errors = jest.spyOn(web.context.log, 'error');
    const stream = await listen();
    await until(() => stream.lastId !== '');
    stream.leave();
    await until(() => stream.ended);
    await happen('sys_cleanup', 2);
    await delay(300);
    expect(errors.mock.calls).toEqual([]);
    errors.mockRestore();
  });

  test('costs nothing once nobody listens', async () => {
    const asked = jest.spyOn(web.context.auditLog, 'head');
    const stream = await listen();
    await until(() => asked.mock.calls.length > 1);
    stream.leave();
    // That somebody has left may be heard late.
    await until(async () => {
      asked.mockClear();
      await delay(2_500);
      return asked.mock.calls.length === 0;
    });
    asked.mockRestore();
  });
});
