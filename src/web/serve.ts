// Listens, and stops listening without losing a request. Promises that whoever is connected when a drain begins gets an answer
// to whatever arrives, and is then let go; that slow uploads and exports finish; that what outlasts the deadline is cut and
// logged. Hides which connections are idle, and how node:cluster and keep-alive make the usual ways of closing lose requests.
import cluster from 'node:cluster';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/platform/log.ts';

export interface ServeOptions {
  server: Server;
  host: string;
  port: number;
  /** A drain ends after this long, whatever is still going on. */
  shutdownTimeoutMs: number;
  /**
   * How long a connection on which nothing happens is kept while draining: longer than a client thinks between two requests,
   * for a request that crosses the closing of its connection is lost. Default: half of `shutdownTimeoutMs`, at most 5 s.
   */
  graceMs?: number;
  log: Pick<Log, 'info' | 'warn'>;
}

export interface Serving {
  address: AddressInfo;
  /** Run first when a drain begins: the place to tell event streams to end, so that their readers connect again elsewhere. */
  onDrain(callback: () => void): void;
  /** Resolves when no connection is left, within `shutdownTimeoutMs`. Calling it again returns the same promise. */
  drain(): Promise<void>;
}

/** What is known of a connection: the answers under way, and since when nothing happened. */
interface Connection {
  answering: Set<ServerResponse>;
  idleSince: number;
  /** Bytes received when it last fell idle: more than that is the beginning of a request. */
  bytesWhenIdle: number;
}

const drainCheckMs = 50;

/** Listens; resolves once connections are accepted, rejects when the address can't be listened on. */
export async function serve({ server, host, port, shutdownTimeoutMs, graceMs, log }: ServeOptions): Promise<Serving> {
  setTimeouts(server);
  const connections = new Map<Socket, Connection>();
  const beforeDrain: (() => void)[] = [];
  let drained: Promise<void> | undefined;
  server.on('connection', (socket: Socket) => follow(connections, socket));
  // First, so that the answer is known to be the last one before the application writes its headers.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    noteRequest(connections.get(request.socket), request, response);
    if (drained) response.shouldKeepAlive = false;
  });
  await listen(server, host, port);
  surviveDisconnect();

  async function drain(): Promise<void> {
    const startedAt = Date.now();
    for (const callback of beforeDrain) callback();
    stopListening(server);
    for (const { answering } of connections.values()) {
      for (const response of answering) if (!response.headersSent) response.shouldKeepAlive = false;
    }
    log.info({ connections: connections.size }, 'draining');
    const grace = Math.min(graceMs ?? Math.min(shutdownTimeoutMs / 2, 5_000), shutdownTimeoutMs);
    while (connections.size > 0 && Date.now() - startedAt < shutdownTimeoutMs) {
      await delay(Math.min(drainCheckMs, Math.max(1, startedAt + shutdownTimeoutMs - Date.now())));
      closeIdle(connections, startedAt, grace);
    }
    for (const [socket, connection] of connections) cut(socket, connection, log);
    log.info({ tookMs: Date.now() - startedAt }, 'drained');
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
  server.keepAliveTimeout = 75_000; // longer than a reverse proxy keeps an idle connection (60 s), so that the proxy closes first
  server.headersTimeout = 20_000; // a client that dribbles its headers holds a connection no longer than this
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
 * Stops listening only. `http.Server.close` would also close idle connections at once and lose the request that crosses on one
 * of them. In a cluster the primary keeps the address, and hands the connections that we no longer accept to another process.
 */
function stopListening(server: Server): void {
  NetServer.prototype.close.call(server);
}

/** node:cluster ends a process at once when its primary is gone; ours has requests to finish. `main.ts` ends it. */
function surviveDisconnect(): void {
  const { worker } = cluster;
  worker?.once('disconnect', () => {
    worker.exitedAfterDisconnect = true;
  });
}

function follow(connections: Map<Socket, Connection>, socket: Socket): void {
  connections.set(socket, { answering: new Set(), idleSince: Date.now(), bytesWhenIdle: 0 });
  socket.once('close', () => connections.delete(socket));
}

function noteRequest(connection: Connection | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!connection) return;
  const { socket } = request;
  connection.answering.add(response);
  response.once('close', () => {
    connection.answering.delete(response);
    connection.idleSince = Date.now();
    connection.bytesWhenIdle = socket.bytesRead;
  });
}

/** Closes what has been idle for the grace: also those that connected and never sent a byte. */
function closeIdle(connections: Map<Socket, Connection>, drainStartedAt: number, graceMs: number): void {
  const now = Date.now();
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
