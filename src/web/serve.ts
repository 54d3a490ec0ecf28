// Listens, and stops listening without losing a request: in a drain every request on an open
// connection is answered, slow uploads and exports finish, and what outlasts the deadline is cut
// and logged. The usual ways of closing lose requests under node:cluster and keep-alive.
import cluster from 'node:cluster';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/platform/log.ts';

export interface ServeOptions {
  server: Server;
  host: string;
  port: number;
  /** Limits a drain. */
  shutdownTimeoutMs: number;
  /**
   * How long an idle connection is kept while draining: a request that crosses its closing is lost.
   * Default: half of `shutdownTimeoutMs`, at most 5 s.
   */
  graceMs?: number;
  log: Pick<Log, 'info' | 'warn'>;
}

export interface Serving {
  address: AddressInfo;
  /** Runs first in a drain: event streams end here, so that readers reconnect elsewhere. */
  onDrain(callback: () => void): void;
  /**
   * Resolves when no connection is left, within `shutdownTimeoutMs`. Calling it again returns the
   * same promise.
   */
  drain(): Promise<void>;
}

interface Connection {
  answering: Set<ServerResponse>;
  idleSince: number;
  /** Bytes received when it last fell idle; more means that a request has begun. */
  bytesWhenIdle: number;
}

const drainCheckMs = 50;

/** Resolves once connections are accepted; rejects when the address can't be listened on. */
export async function serve({ server, host, port, shutdownTimeoutMs, graceMs, log }: ServeOptions): Promise<Serving> {
  setTimeouts(server);
  const connections = new Map<Socket, Connection>();
  const beforeDrain: (() => void)[] = [];
  let drained: Promise<void> | undefined;
  server.on('connection', (socket: Socket) => follow(connections, socket));
  // First, so that the answer is marked as the last before the application writes headers.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    noteRequest(connections.get(request.socket), request, response);
    if (drained) response.shouldKeepAlive = false;
  });
  await listen(server, host, port);
  surviveDisconnect();

  async function drain(): Promise<void> {
    const startedAt = performance.now();
    for (const callback of beforeDrain) callback();
    stopListening(server);
    for (const { answering } of connections.values()) {
      for (const response of answering) if (!response.headersSent) response.shouldKeepAlive = false;
    }
    log.info({ connections: connections.size }, 'draining');
    const grace = Math.min(graceMs ?? Math.min(shutdownTimeoutMs / 2, 5_000), shutdownTimeoutMs);
    while (connections.size > 0 && performance.now() - startedAt < shutdownTimeoutMs) {
      await delay(Math.min(drainCheckMs, Math.max(1, startedAt + shutdownTimeoutMs - performance.now())));
      closeIdle(connections, startedAt, grace);
    }
    for (const [socket, connection] of connections) cut(socket, connection, log);
    log.info({ tookMs: Math.round(performance.now() - startedAt) }, 'drained');
  }

  return {
    address: server.address() as AddressInfo,
    onDrain: (callback) => void beforeDrain.push(callback),
    drain: () => {
      drained ??= drain();
      return drained;
    },
  };
}

function setTimeouts(server: Server): void {
  server.keepAliveTimeout = 75_000; // longer than a reverse proxy's (60 s), so that the proxy closes first
  server.headersTimeout = 20_000; // for a client that dribbles its headers
  server.requestTimeout = 300_000; // a whole upload on a bad line
  server.maxRequestsPerSocket = 0;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * `http.Server.close` would also close idle connections and lose requests that cross. In a cluster
 * the primary keeps the address and hands new connections to another process.
 */
function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}

/** node:cluster would exit at once when its primary is gone; `main.ts` drains first. */
function surviveDisconnect(): void {
  const { worker } = cluster;
  worker?.once('disconnect', () => {
    worker.exitedAfterDisconnect = true;
  });
}

function follow(connections: Map<Socket, Connection>, socket: Socket): void {
  connections.set(socket, { answering: new Set(), idleSince: performance.now(), bytesWhenIdle: 0 });
  socket.once('close', () => connections.delete(socket));
}

function noteRequest(connection: Connection | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!connection) return;
  const { socket } = request;
  connection.answering.add(response);
  response.once('close', () => {
    connection.answering.delete(response);
    connection.idleSince = performance.now();
    connection.bytesWhenIdle = socket.bytesRead;
  });
}

/** Also closes connections that never sent a byte. */
function closeIdle(connections: Map<Socket, Connection>, drainStartedAt: number, graceMs: number): void {
  const now = performance.now();
  for (const [socket, { answering, idleSince, bytesWhenIdle }] of connections) {
    const busy = answering.size > 0 || socket.bytesRead > bytesWhenIdle;
    if (!busy && now - Math.max(idleSince, drainStartedAt) >= graceMs) socket.destroySoon();
  }
}

function cut(socket: Socket, { answering }: Connection, log: ServeOptions['log']): void {
  for (const { req } of answering) {
    log.warn({ method: req.method, path: req.url?.split('?')[0] }, 'a request outlasted the shutdown and was cut');
  }
  socket.destroy();
}
