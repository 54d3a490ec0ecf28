// Load that notices every lost request: connections that never retry, and that close only when the server said so.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const ANSWER_WITHIN_MS = 20_000;

export interface LoadOptions {
  port: number;
  keepAliveConnections: number;
  freshConnections: number;
  /** Each client pauses up to this long between two requests. */
  thinkTimeMs: number;
  path?: string;
}

export interface LoadResult {
  requests: number;
  failures: string[];
  slowestMs: number;
  /** Requests answered by each body text (the fixture answers with its process id). */
  answeredBy: Map<string, number>;
}

/** Starts the load; `stop()` lets each client finish its request and returns what happened. */
export function startLoad(options: LoadOptions): { result: LoadResult; stop(): Promise<LoadResult> } {
  const result: LoadResult = { requests: 0, failures: [], slowestMs: 0, answeredBy: new Map() };
  const state = { stopping: false };
  const clients = [
    ...Array.from({ length: options.keepAliveConnections }, () => runClient(options, true, state, result)),
    ...Array.from({ length: options.freshConnections }, () => runClient(options, false, state, result)),
  ];
  return {
    result,
    async stop() {
      state.stopping = true;
      await Promise.all(clients);
      return result;
    },
  };
}

async function runClient(
  options: LoadOptions,
  keepAlive: boolean,
  state: { stopping: boolean },
  result: LoadResult,
): Promise<void> {
  let socket: Socket | undefined;
  while (!state.stopping) {
    const startedAt = performance.now();
    try {
      // A connection that the server closed while nothing was asked is no failure: the client sees that and opens another.
      if (!socket || socket.destroyed || socket.readableEnded) socket = await open(options.port);
      const { body, close } = await ask(socket, options.path ?? '/', keepAlive);
      result.answeredBy.set(body, (result.answeredBy.get(body) ?? 0) + 1);
      if (close) {
        socket.destroy();
        socket = undefined;
      }
    } catch (error) {
      result.failures.push(error instanceof Error ? error.message : String(error));
      socket?.destroy();
      socket = undefined;
      await sleep(20);
    }
    result.requests += 1;
    result.slowestMs = Math.max(result.slowestMs, performance.now() - startedAt);
    await sleep(Math.random() * options.thinkTimeMs);
  }
  socket?.destroy();
}

/** A connection whose errors are seen by whoever waits for an answer on it. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Sends one GET and reads its answer; rejects when the connection ends first or 20 s pass. */
export function ask(
  socket: Socket,
  path: string,
  keepAlive = true,
): Promise<{ status: number; body: string; close: boolean }> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`);
  return readAnswer(socket);
}

/** Reads one answer with a Content-Length. */
export function readAnswer(socket: Socket): Promise<{ status: number; body: string; close: boolean }> {
  return readUntil(socket, parse);
}

/** Collects what arrives until `parse` makes an answer of it; rejects when the connection ends first or 20 s pass. */
export function readUntil<Answer>(socket: Socket, parse: (text: string) => Answer | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const stop = () => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
    };
    const fail = (what: string) => {
      stop();
      reject(new Error(what));
    };
    const timer = setTimeout(() => fail('no answer within 20 s'), ANSWER_WITHIN_MS);
    const onData = (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      const answer = parse(heard);
      if (answer === undefined) return;
      stop();
      resolve(answer);
    };
    const onEnd = () => fail(`the connection ended ${heard ? 'within' : 'before'} the answer`);
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  });
}

function parse(text: string): { status: number; body: string; close: boolean } | undefined {
  const head = text.split('\r\n\r\n', 1)[0] ?? '';
  if (head.length === text.length) return undefined;
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const body = text.slice(head.length + 4);
  if (body.length < length) return undefined;
  return { status: Number(head.split(' ')[1]), body: body.slice(0, length), close: /^connection: *close/im.test(head) };
}
