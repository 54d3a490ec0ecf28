// A receiver of the log as somebody would write it: an HTTPS server that checks each signature with the library of Standard
// Webhooks, keeps what it took, and can be late, refuse, cut the connection, lead elsewhere, or be away.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { makeCertificate } from '../../harness/certificate.ts';

/** What it does with the next request: takes it, or fails in a way of its own; `lost` takes it and cuts before it answers. */
export type Answer = 'take' | 'cut' | 'lost' | 'late' | number;

export interface TakenMessage {
  readonly id: string;
  readonly lines: readonly string[];
}

export interface LogReceiver {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** `whsec_…` */
  readonly secret: string;
  readonly secretFile: string;
  /** Of which it said, or was about to say, that it has them, repetitions too. */
  readonly taken: readonly TakenMessage[];
  /** The ids of all requests that came with a right signature. */
  readonly asked: readonly string[];
  /** Numbers of the events in the order in which they first came. */
  seqs(): number[];
  /** For the next requests, one each; then it takes. */
  answer(...next: readonly Answer[]): void;
  stop(): Promise<void>;
  startAgain(): Promise<void>;
  close(): Promise<void>;
}

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export async function startLogReceiver(): Promise<LogReceiver> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-receiver-'));
  const { certificate, key } = await makeCertificate(folder, ['localhost']);
  const secretFile = path.join(folder, 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  const [taken, asked, answers]: [TakenMessage[], string[], Answer[]] = [[], [], []];
  const sockets = new Set<Socket>();
  let port = 0;
  let server = await listen();

  async function listen() {
    const listening = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
      take(request, response).catch((error: Error) => {
        if (!response.headersSent) response.writeHead(400).end(error.message);
      });
    });
    listening.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    port = (listening.address() as AddressInfo).port;
    return listening;
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const headers = request.headers as Record<string, string>;
    new Webhook(SECRET).verify(body, headers, { jsonParse: false });
    const id = headers['webhook-id'] ?? '';
    asked.push(id);
    const answer = answers.shift() ?? 'take';
    if (answer === 'cut') return void request.socket.destroy();
    if (answer === 'late') await delay(30_000, undefined, { ref: false });
    if (typeof answer === 'number') {
      const more = answer < 400 ? { location: 'https://127.0.0.1:1/' } : { 'retry-after': '1' };
      return void response.writeHead(answer, more).end('what only this machine sees');
    }
    taken.push({ id, lines: body.split('\n').filter(Boolean) });
    if (answer === 'lost') request.socket.destroy();
    else response.writeHead(204).end();
  }

  async function stop(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    url: `https://localhost:${port}/in?from=holdfast`,
    ca: readFileSync(certificate, 'utf8'),
    caFile: certificate,
    secret: SECRET,
    secretFile,
    taken,
    asked,
    seqs: () => [
      ...new Set(taken.flatMap(({ lines }) => lines.map((line) => (JSON.parse(line) as { seq: number }).seq))),
    ],
    answer: (...next) => void answers.push(...next),
    stop,
    async startAgain() {
      server = await listen();
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
