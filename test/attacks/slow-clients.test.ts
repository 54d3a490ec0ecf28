// Clients that hold connections and give nothing for them: they are bounded in number and in time, and others are served.
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { ask, open, readAnswer } from '../../harness/load.ts';
import { until } from '../../harness/until.ts';
import { readConfig } from '../../src/core/config.ts';
import { createWebServer, type Serving, serve } from '../../src/web/serve.ts';

/** Short, and longer than this process may be held up on a busy machine. */
const PATIENCE = { headers: 700, request: 1_400, stalled: 2_000, check: 20 };
/** What each request gets, once its body has arrived. */
const hello: RequestListener = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-length': 5 }).end('hello'));
};

const sockets: Socket[] = [];
const servings: Serving[] = [];
const writing: NodeJS.Timeout[] = [];

afterEach(async () => {
  for (const timer of writing.splice(0)) clearInterval(timer);
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servings.splice(0).map((serving) => serving.drain()));
});

interface Started {
  readonly patience?: typeof PATIENCE;
  readonly maxConnections?: number;
}

async function start(listener: RequestListener = hello, { patience, maxConnections }: Started = {}) {
  const logged: string[] = [];
  const log = { info: () => undefined, warn: (_: unknown, message?: unknown) => void logged.push(String(message)) };
  const server = createWebServer(listener, patience);
  const options = { server, host: '127.0.0.1', port: 0, shutdownTimeoutMs: 1_000, graceMs: 10, log };
  const serving = await serve({ ...options, ...(maxConnections === undefined ? {} : { maxConnections }) });
  servings.push(serving);
  const connect = async () => {
    const socket = await open(serving.address.port);
    sockets.push(socket);
    return socket;
  };
  return { server, connect, logged };
}

/** Writes a byte now and then, for as long as the connection stands. */
function dribble(socket: Socket, head: string): void {
  socket.write(head);
  writing.push(setInterval(() => socket.writable && socket.write('x'), 10));
}

const connectionsOf = (server: Server) =>
  new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
const gone = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()).resume());

test('headers and bodies that dribble in, and silence, end with their time; others are answered meanwhile', async () => {
  const { server, connect } = await start(hello, { patience: PATIENCE });
  const [headers, body, silent] = [await connect(), await connect(), await connect()];
  dribble(headers, 'GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ');
  dribble(body, 'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 16384\r\n\r\n');
  const late = [readAnswer(headers).catch(() => null), readAnswer(body).catch(() => null)];
  const ends = Promise.all([headers, body, silent].map(gone));
  expect(await ask(await connect(), '/', false)).toMatchObject({ status: 200 });
  await ends;
  for (const answer of await Promise.all(late)) if (answer) expect(answer.status).toBe(408);
  await until(async () => (await connectionsOf(server)) === 0);
});

test('a connection with a few requests before the first answer gets them all, one with thousands is closed', async () => {
  let begun = 0;
  const { connect, logged } = await start((_, response) => {
    begun += 1;
    setTimeout(() => response.writeHead(200, { 'content-length': 5 }).end('hello'), 20);
  });
  const few = await connect();
  let answers = 0;
  few.on('data', (data) => {
    answers += data.toString().split('HTTP/1.1 200').length - 1;
  });
  few.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(16));
  await until(() => answers === 16);

  const many = await connect();
  many.on('error', () => undefined);
  begun = 0;
  many.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(5_000));
  await gone(many);
  expect(begun).toBe(16);
  expect(logged).toEqual([expect.stringContaining('without waiting for answers')]);
});

test('an answer that nobody takes is dropped', async () => {
  const { server, connect } = await start(
    (_, response) => {
      const fill = () => {
        while (response.writable && response.write(Buffer.alloc(64 * 1024)));
      };
      response.writeHead(200).on('drain', fill);
      fill();
    },
    { patience: PATIENCE },
  );
  const socket = await connect();
  socket.pause().write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
  await until(async () => (await connectionsOf(server)) === 1);
  await until(async () => (await connectionsOf(server)) === 0);
});

test('a connection too many is closed at once, and the place that somebody leaves is free again', async () => {
  const { connect, logged } = await start(hello, { maxConnections: 3 });
  const held = [await connect(), await connect(), await connect()];
  for (const socket of held) expect(await ask(socket, '/')).toMatchObject({ status: 200 });
  for (let more = 0; more < 5; more += 1) await gone(await connect());
  expect(logged).toHaveLength(1);
  for (const socket of held) expect(await ask(socket, '/')).toMatchObject({ status: 200 });
  held[0]?.destroy();
  await until(async () => {
    const answer = await ask(await connect(), '/', false).catch(() => null);
    return answer?.status === 200;
  });
});

test('a form has half a minute to arrive, and a process its bound, unless they are set', () => {
  const { requestTimeout, headersTimeout, timeout } = createWebServer(hello);
  expect({ requestTimeout, headersTimeout, timeout }).toEqual({
    requestTimeout: 30_000,
    headersTimeout: 20_000,
    timeout: 120_000,
  });
  const stores = { NODE_ENV: 'test', DATABASE_URL: 'postgres://a@b/c', REDIS_URL: 'redis://a' };
  expect(readConfig(stores).maxConnections).toBe(2_000);
  expect(readConfig({ ...stores, MAX_CONNECTIONS: '50' }).maxConnections).toBe(50);
});
