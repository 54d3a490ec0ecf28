// One server that drains: whatever a client is in the middle of, it gets its answer, until the deadline.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, open, readAnswer } from '../../harness/load.ts';
import { until } from '../../harness/until.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { createWebServer, type Serving, serve } from '../../src/web/serve.ts';
import { openTestStores } from '../support/stores.ts';

/** Longer than this process may be held up on a busy machine: an idle connection is closed then. */
const HELD_UP_MS = 2_000;

interface Logged {
  message: string;
  fields: object;
}

const sockets: Socket[] = [];
const servings: Serving[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servings.splice(0).map((serving) => serving.drain()));
});

async function start(listener: RequestListener, { graceMs = 200, shutdownTimeoutMs = 5_000 } = {}) {
  const logged: Logged[] = [];
  const note = (fields: unknown, message?: unknown) => {
    logged.push({ fields: fields as object, message: String(message) });
  };
  const log = { info: note, warn: note };
  const server = createWebServer(listener);
  const accepted: Socket[] = [];
  server.on('connection', (socket) => accepted.push(socket));
  const serving = await serve({
    server,
    host: '127.0.0.1',
    port: 0,
    shutdownTimeoutMs,
    graceMs,
    log,
  });
  servings.push(serving);
  const { port } = serving.address;
  return {
    serving,
    logged,
    port,
    connect: async () => sockets[sockets.push(await open(port)) - 1] as Socket,
    /** Resolves when all that these have sent has arrived. */
    heard: (...sent: Socket[]) =>
      until(() =>
        sent.every(({ localPort, bytesWritten }) =>
          accepted.some((socket) => socket.remotePort === localPort && socket.bytesRead === bytesWritten),
        ),
      ),
  };
}

const hello: RequestListener = (_, response) => response.writeHead(200, { 'content-length': 5 }).end('hello');
const gone = (socket: Socket) => new Promise<void>((resolve) => socket.once('end', () => resolve()).resume());

describe('a drain', () => {
  test('answers what arrives on idle kept-alive connections, says close, and takes no new connections', async () => {
    const { serving, connect, port } = await start(hello, { graceMs: HELD_UP_MS });
    const socket = await connect();
    expect(await ask(socket, '/')).toMatchObject({ close: false });
    const drained = serving.drain();
    expect(await ask(socket, '/')).toEqual({ status: 200, body: 'hello', close: true });
    await expect(open(port)).rejects.toThrow('ECONNREFUSED');
    await drained;
  });

  test('answers who connected before it and speaks only now', async () => {
    const { serving, connect } = await start(hello, { graceMs: HELD_UP_MS });
    const socket = await connect();
    await ask(await connect(), '/'); // by now the first connection is accepted
    const drained = serving.drain();
    expect(await ask(socket, '/')).toMatchObject({ status: 200, close: true });
    await drained;
  });

  test('closes the idle, the silent included, after the grace and not before', async () => {
    const { serving, connect } = await start(hello, { graceMs: 300 });
    const idle = await connect();
    const silent = await connect();
    await ask(idle, '/');
    const startedAt = performance.now();
    const ends = Promise.all([idle, silent].map(gone));
    await serving.drain();
    await ends;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  test('ends at once when nobody is connected', async () => {
    const { serving } = await start(hello, { graceMs: 10_000, shutdownTimeoutMs: 20_000 });
    await serving.drain();
  });

  test('marks the answer that is being made as the last on its connection', async () => {
    let answerIt: (() => void) | undefined;
    const { serving, connect } = await start((_, response) => {
      answerIt = () => response.writeHead(200, { 'content-length': 4 }).end('late');
    });
    const answered = ask(await connect(), '/');
    while (!answerIt) await sleep(5);
    const drained = serving.drain();
    answerIt();
    expect(await answered).toEqual({ status: 200, body: 'late', close: true });
    await drained;
  });

  test('lets a slow upload finish, also one whose headers are only half there', async () => {
    const { serving, connect, heard } = await start((request, response) => {
      let bytes = 0;
      request.on('data', (chunk) => {
        bytes += chunk.length;
      });
      request.on('end', () => response.writeHead(200, { 'content-length': 1 }).end(String(bytes)));
    });
    const [upload, half] = [await connect(), await connect()];
    await ask(await connect(), '/');
    upload.write('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nab');
    half.write('POST / HTTP/1.1\r\nHost: te');
    await heard(upload, half);
    const drained = serving.drain();
    await sleep(500); // well past the grace
    upload.write('cdef');
    half.write('st\r\nContent-Length: 2\r\n\r\nab');
    expect(await readAnswer(upload)).toMatchObject({ status: 200, body: '6' });
    expect(await readAnswer(half)).toMatchObject({ status: 200, body: '2', close: true });
    await drained;
  });

  test('lets a streaming export finish', async () => {
    let begun = false;
    const { serving, connect } = await start(async (_, response) => {
      begun = true;
      response.writeHead(200, { 'content-length': 10 });
      for (let part = 0; part < 10; part += 1) {
        response.write(String(part));
        await sleep(80);
      }
      response.end();
    });
    const exported = ask(await connect(), '/');
    await until(() => begun);
    const drained = serving.drain();
    expect(await exported).toMatchObject({ body: '0123456789' });
    await drained;
  });

  test('tells event streams first', async () => {
    const { serving, connect } = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 100\n\n');
      serving.onDrain(() => response.end());
    });
    const socket = await connect();
    socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    while (!heard.includes('retry')) await sleep(5);
    await serving.drain();
    expect(heard).toMatch(/0\r\n\r\n$/); // the stream came to its end and was not cut
  });

  test('cuts and logs what outlasts the deadline', async () => {
    let asked = false;
    const endless = () => {
      asked = true;
    };
    const { serving, connect, logged } = await start(endless, { graceMs: 50, shutdownTimeoutMs: 300 });
    const cut = ask(await connect(), '/endless?secret=1');
    cut.catch(() => {});
    await until(() => asked);
    await serving.drain();
    await expect(cut).rejects.toThrow('ended before the answer');
    expect(logged).toContainEqual({
      message: 'a request outlasted the shutdown and was cut',
      fields: { method: 'GET', path: '/endless' },
    });
  });
});

test('a process drains as soon as it listens', async () => {
  const { child, port, ended, close } = await startProcess();
  try {
    let socket: Socket | null = null;
    while (!socket && child.exitCode === null) socket = await open(port).catch(() => null);
    socket?.destroy();
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    await close();
  }
});

test('a process drains after an error that nobody caught, and exits 1', async () => {
  const throws = `process.on('SIGUSR2', () => { throw new Error('unforeseen'); });`;
  const { child, port, ended, close } = await startProcess(['--import', `data:text/javascript,${throws}`]);
  try {
    const isReady = () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isReady);
    child.kill('SIGUSR2');
    expect(await ended).toEqual([1, null]);
  } finally {
    await close();
  }
});

async function startProcess(options: string[] = []) {
  const stores = await openTestStores();
  const [port, metricsPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [...options, 'dist/src/web/main.js'], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      DATABASE_URL: stores.database.webUrl,
      REDIS_URL: stores.redisUrl,
      SESSION_KEYS: 'a-key-for-tests-that-is-long-enough',
      LOG_LEVEL: 'silent',
    },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  return {
    ...{ child, port, ended },
    async close() {
      child.kill('SIGKILL');
      await ended;
      await stores.close();
    },
  };
}
