// Answers `GET /metrics` on a port of its own, which is not for the public.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MetricsPortOptions {
  readonly host: string;
  readonly port: number;
  /** The text of a reading. */
  readonly read: () => Promise<string>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export interface MetricsPort {
  /** Null where it could not listen. */
  readonly address: AddressInfo | null;
  close(): void;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Where the port is taken, the log says so and the process goes on. */
export async function serveMetrics({ host, port, read, log }: MetricsPortOptions): Promise<MetricsPort> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.split('?')[0] !== '/metrics') return response.writeHead(404).end();
    if (request.method !== 'GET') return response.writeHead(405, { Allow: 'GET' }).end();
    const text = await read();
    return response.writeHead(200, { 'Content-Type': CONTENT_TYPE, 'Cache-Control': 'no-store' }).end(text);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn({ err: error }, 'the metrics can not be read');
      response.writeHead(503).end();
    });
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  const address = await new Promise<AddressInfo | null>((resolve) => {
    server.once('error', (error) => {
      log.warn({ err: error, host, port }, 'the metrics have no port');
      resolve(null);
    });
    server.listen({ host, port, exclusive: true }, () => resolve(server.address() as AddressInfo));
  });
  if (address) log.info({ address }, 'metrics are at /metrics');
  return {
    address,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
