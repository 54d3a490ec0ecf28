// Listens, with bounds on connections and on how long a client may take, and stops listening without losing a request: in a drain every request on an open
// connection is answered, slow uploads and exports finish, and what outlasts the deadline is cut
// and logged. The usual ways of closing lose requests under node:cluster and keep-alive.
import cluster from 'node:cluster';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/platform/log.ts';
import { meansCheck } from './forward-auth/asked.ts';
import { PageResponse } from './http/page-response.ts';

export interface ServeOptions {
  server: Server;
  host: string;
  port: number;
  /** Beyond it a connection is closed at once. */
  maxConnections?: number;
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
/** Full is said once in that time. */
const SAY_FULL_MS = 60_000;

/**
 * Requests that one connection may have unanswered. Browsers and proxies send the next after the answer; whoever sends thousands
 * at once has each of them take memory.
 */
const MOST_UNANSWERED = 16;

/** How long a client may take, in milliseconds. */
export interface PatienceMs {
  readonly headers: number;
  /** For the whole request: a form has 16 KiB. */
  readonly request: number;
  /** For taking any of an answer. */
  readonly stalled: number;
  /** How often the first two are looked after. */
  readonly check: number;
}

/** A check carries the headers of a visitor and those of their proxy. */
const MAX_HEADER_BYTES = 64 * 1_024;

const PATIENCE: PatienceMs = { headers: 20_000, request: 30_000, stalled: 120_000, check: 5_000 };

/** A server that waits for nobody for ever. */
export function createWebServer(listener: RequestListener, patience: PatienceMs = PATIENCE): Server {
  const server = createServer(
    {
      ServerResponse: PageResponse,
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      connectionsCheckingInterval: patience.check,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: 75_000, // longer than a reverse proxy's (60 s), so that the proxy closes first
    },
    (request, response) => {
      if (!request.socket.destroyed) listener(request, response); // what came behind too many at once
    },
  );
  // Whoever waits to be told to go on with a body is told so, but by a check, which wants none.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!meansCheck(request)) response.writeContinue();
    server.emit('request', request, response);
  });
  server.timeout = patience.stalled;
  server.maxRequestsPerSocket = 0;
  return server;
}

/** Resolves once connections are accepted; rejects when the address can't be listened on. */
export async function serve({
  server,
  host,
  port,
  maxConnections = Number.POSITIVE_INFINITY,
  shutdownTimeoutMs,
  graceMs,
  log,
}: ServeOptions): Promise<Serving> {
  const connections = new Map<Socket, Connection>();
  const beforeDrain: (() => void)[] = [];
  let drained: Promise<void> | undefined;
  const sayFull = atMostEvery(SAY_FULL_MS, () =>
    log.warn({ maxConnections }, 'connections are closed at once: there are as many as MAX_CONNECTIONS'),
  );
  // Not `server.maxConnections`: under node:cluster a full process gives the connection back, and full ones would pass
  // it around for ever.
  server.on('connection', (socket: Socket) => {
    if (connections.size < maxConnections) return follow(connections, socket);
    socket.destroy();
    sayFull();
  });
  const sayTooMany = atMostEvery(SAY_FULL_MS, () =>
    log.warn(
      { most: MOST_UNANSWERED },
      'a connection was closed: it sent too many requests without waiting for answers',
    ),
  );
  // First, so that the answer is marked as the last before the application writes headers.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket);
    if (connection?.answering.size === MOST_UNANSWERED) {
      request.socket.destroy();
      sayTooMany();
      return;
    }
    noteRequest(connection, request, response);
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

function atMostEvery(ms: number, say: () => void): () => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - saidAt < ms) return;
    saidAt = performance.now();
    say();
  };
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
  response.on('close', () => {
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
