// The drain to a syslog server: rsyslog and syslog-ng understand each message as it is meant, over TCP and TLS, and none is lost
// while they are away; a server that does not say that it has read everything is not believed.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type SyslogProgram, type SyslogServer, startSyslog } from '../../harness/syslog.ts';
import { until } from '../../harness/until.ts';
import { openSyslog } from '../../src/core/shipping/receivers/syslog.ts';
import { openDrain } from '../support/drains.ts';
import { FILL, filledLog } from '../support/filled-log.ts';
import { world } from '../support/world.ts';

const { worker, sql, tamper } = await world({ webs: 0, worker: true });
const { emptyLog } = filledLog({ sql, tamper });
let filled = 0;
let closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  await emptyLog();
  await sql('DELETE FROM audit_drain');
  filled = 0;
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  closing = [];
});

async function sealMore(count: number): Promise<void> {
  await sql(FILL, [count, filled + 1]);
  filled += count;
  await worker.sealing.seal();
}
const row = async () => (await worker.drains.list()).find(({ name }) => name === 'siem');
const allUpTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const seqsOf = (server: SyslogServer) =>
  server.lines().map((line) => (JSON.parse(line.slice(line.indexOf('{'))) as { seq: number }).seq);

describe.each<[SyslogProgram, boolean]>([
  ['rsyslog', false],
  ['rsyslog', true],
  ['syslog-ng', false],
  ['syslog-ng', true],
])('%s, with TLS %s', (program, tls) => {
  test('takes every event, in order, also those of the time when it was away', async () => {
    const server = await startSyslog(program, { tls });
    closing.push(server.close);
    const ca = tls ? readFileSync(server.caFile, 'utf8') : null;
    const target = { kind: 'syslog', host: 'localhost', port: server.port, tls: tls ? { ca } : null } as const;
    const drain = openDrain(worker, { receiver: openSyslog(target), format: 'ecs' });
    const plain = openDrain(worker, { name: 'plain', receiver: openSyslog(target), start: 'now' });
    await sealMore(5_000);
    await plain.run();
    // What a message may hold: quotation marks, letters of other scripts, line ends that are escaped, a long browser.
    await sql(
      `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'sys_audit_altered', 'outcome', 'failure', 'userAgent', $1::text,
         'detail', jsonb_build_object('reason', $2::text))`,
      ['b'.repeat(1_000), 'Grüße „“ ]"\\ \n 日本 \u202e 🎉'],
    );
    await worker.sealing.seal();
    expect(await drain.run()).toBe(500);
    expect(await row()).toMatchObject({ failures: 0, lastError: null });
    await server.stop();
    await sealMore(100);
    await drain.run();
    expect(await row()).toMatchObject({ failures: 1, lastError: 'could not be reached (ECONNREFUSED)' });
    await server.startAgain();
    await drain.run();
    const { seq = 0, behind } = (await row()) ?? {};
    expect(behind).toBe(0);
    expect(seq).toBeGreaterThan(5_100);
    const events = () => server.lines().map((line) => JSON.parse(line.slice(line.indexOf('{'))) as EcsEvent);
    await until(() => events().length >= seq);
    expect(events().map(({ event }) => event.sequence)).toEqual(allUpTo(seq));
    const odd = server.lines().find((line) => line.includes('Grüße')) ?? '';
    const host = hostname();
    expect(odd).toMatch(
      new RegExp(`^(?:logaudit|audit|13|log-audit|local\\S*|\\S+) alert ${host} holdfast sys_audit_altered `),
    );
    expect(JSON.parse(odd.slice(odd.indexOf('{')))).toMatchObject({
      holdfast: { detail: { reason: 'Grüße „“ ]"\\ \n 日本 \u202e 🎉' } },
    });
    const [first = ''] = server.lines();
    expect(first).toMatch(new RegExp(` warning ${host} holdfast authn_login_fail \\d{4}-\\d\\d-\\d\\dT\\S+ `));
  });
});

interface EcsEvent {
  readonly event: { readonly sequence: number };
}

describe('a server of no sense', () => {
  async function serve(take: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      take(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }
  const drainTo = (port: number, takenWithinMs = 20_000) =>
    openDrain(worker, {
      receiver: openSyslog({ kind: 'syslog', host: '127.0.0.1', port, tls: null }, { takenWithinMs }),
    });

  const LATE = /did not answer in time/;

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['that reads nothing', (socket) => void socket.pause(), LATE],
    ['that never says that it has read everything', (socket) => void socket.resume(), LATE],
    ['that hangs up at once', (socket) => void socket.destroy(), /ECONNRESET|EPIPE|before it had everything/],
    [
      'that hangs up in the middle',
      (socket) => void socket.once('data', () => socket.destroy()),
      /ECONNRESET|EPIPE|before/,
    ],
    ['that ends its side at once', (socket) => void socket.resume().end(), /before it had everything/],
  ])('%s has nothing, as far as the cursor says', async (_, take, error) => {
    await sealMore(4_000);
    await drainTo(await serve(take), error === LATE ? 500 : undefined).run();
    expect(await row()).toMatchObject({ seq: 0, failures: 1, lastError: expect.stringMatching(error) });
  });

  test('that is slow, but reads everything and says so, has it', async () => {
    await sealMore(2_000);
    let read = 0;
    const port = await serve((socket) => {
      socket.on('data', (chunk) => {
        read += chunk.length;
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      });
      socket.once('end', () => socket.end());
    });
    await drainTo(port).run();
    expect(await row()).toMatchObject({ seq: 2_000, failures: 0 });
    expect(read).toBeGreaterThan(500_000);
  });
});

test('a certificate that nobody vouches for, or of another name, gets nothing', async () => {
  const server = await startSyslog('syslog-ng', { tls: true });
  closing.push(server.close);
  await sealMore(10);
  const ca = readFileSync(server.caFile, 'utf8');
  const strange = { kind: 'syslog', host: 'localhost', port: server.port, tls: { ca: null } } as const;
  const elsewhere = { ...strange, host: '127.0.0.1', tls: { ca } } as const;
  await openDrain(worker, { name: 'a', receiver: openSyslog(strange) }).run();
  await openDrain(worker, { name: 'b', receiver: openSyslog(elsewhere) }).run();
  const errors = (await worker.drains.list()).map(({ lastError }) => lastError);
  expect(errors).toEqual([
    expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
  ]);
  expect(seqsOf(server)).toEqual([]);
});
