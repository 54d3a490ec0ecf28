// The load of `npm run bench`: the same request again and again on kept-alive connections, as fast as it is answered or at a
// given rate. Written here because the load generators of npm parse as much as the servers do, and would be measured instead.
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { open } from '../../harness/load.ts';

export interface Target {
  readonly port: number;
  readonly request: Buffer;
  /** What every answer must be. */
  readonly status: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly durationMs: number;
  /** After so many answers it ends sooner. */
  readonly answers?: number;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array;
}

interface Client {
  readonly socket: Socket;
  /** Of `performance.now()`; 0 while nothing is asked. */
  askedAt: number;
  heard: Buffer | null;
}

/** Each connection asks again as soon as it is answered. */
export async function saturate(
  target: Target,
  { connections, durationMs, answers = Infinity }: LoadOptions,
): Promise<LoadResult> {
  const latencies = new Samples();
  const startedAt = performance.now();
  let ended = false;
  const ask = (client: Client) => {
    client.askedAt = performance.now();
    client.socket.write(target.request);
  };
  return withClients(target, connections, async (clients, onAnswer) => {
    const over = new AbortController();
    const done = delay(durationMs, undefined, { signal: over.signal }).catch(() => undefined);
    onAnswer((client) => {
      const now = performance.now();
      latencies.add(now - client.askedAt);
      ended ||= now - startedAt >= durationMs || latencies.count >= answers;
      if (ended) over.abort();
      else ask(client);
    });
    clients.forEach(ask);
    await done;
    return {
      answers: latencies.count,
      seconds: (performance.now() - startedAt) / 1_000,
      latencies: latencies.sorted(),
    };
  });
}

/**
 * Asks at a rate, whether or not the answers keep up. An answer's time counts from when it was due to be asked for, so that one
 * that had to wait for a free connection is not taken for a quick one.
 */
export async function pace(
  target: Target,
  { connections, durationMs, perSecond }: LoadOptions & { readonly perSecond: number },
): Promise<LoadResult> {
  const latencies = new Samples();
  const nap = new Int32Array(new SharedArrayBuffer(4));
  return withClients(target, connections, async (clients, onAnswer) => {
    const free = [...clients];
    onAnswer((client) => {
      latencies.add(performance.now() - client.askedAt);
      free.push(client);
    });
    const startedAt = performance.now();
    let due = 0;
    for (let now = startedAt; now - startedAt < durationMs; now = performance.now()) {
      const dueAt = startedAt + (due * 1_000) / perSecond;
      const client = dueAt <= now ? free.pop() : undefined;
      if (client) {
        client.askedAt = dueAt;
        client.socket.write(target.request);
        due += 1;
      } else {
        Atomics.wait(nap, 0, 0, 0.05); // leaves the core to Redis, which shares it
        await new Promise(setImmediate);
      }
    }
    return {
      answers: latencies.count,
      seconds: (performance.now() - startedAt) / 1_000,
      latencies: latencies.sorted(),
    };
  });
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function withClients(
  target: Target,
  count: number,
  run: (clients: readonly Client[], onAnswer: (handler: (client: Client) => void) => void) => Promise<LoadResult>,
): Promise<LoadResult> {
  const clients = await Promise.all(
    Array.from(
      { length: count },
      async (): Promise<Client> => ({ socket: await open(target.port), askedAt: 0, heard: null }),
    ),
  );
  let handler = (_client: Client): void => undefined;
  let wrong: string | undefined;
  for (const client of clients) {
    client.socket.on('data', (chunk: Buffer) => {
      const text = client.heard ? Buffer.concat([client.heard, chunk]) : chunk;
      const length = answerLength(text);
      if (length === undefined || text.length < length) {
        client.heard = text;
        return;
      }
      client.heard = null;
      if (statusOf(text) !== target.status) wrong ??= text.toString('latin1', 0, 300);
      handler(client);
    });
    client.socket.once('close', () => {
      wrong ??= 'the server closed a connection';
    });
  }
  try {
    const result = await run(clients, (given) => {
      handler = given;
    });
    if (wrong !== undefined) throw new Error(`expected only ${target.status}, but: ${wrong}`);
    return result;
  } finally {
    handler = () => undefined;
    for (const { socket } of clients) socket.removeAllListeners('close').destroy();
  }
}

/** The length of head and body, or undefined while the head is not whole. */
function answerLength(text: Buffer): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.toString('latin1', 0, headEnd);
  const at = head.search(/\r\ncontent-length: /i);
  if (at < 0) throw new Error(`an answer without Content-Length: ${head}`);
  return headEnd + 4 + Number.parseInt(head.slice(at + 18, at + 26), 10);
}

function statusOf(text: Buffer): number {
  return Number.parseInt(text.toString('latin1', 9, 12), 10);
}

/** Numbers in a row that grows without garbage. */
class Samples {
  #values = new Float64Array(1 << 16);
  count = 0;

  add(value: number): void {
    if (this.count === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.count] = value;
    this.count += 1;
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.count).sort();
  }
}
