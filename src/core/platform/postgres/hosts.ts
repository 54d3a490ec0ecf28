// The hosts of a URL of PostgreSQL: which of them takes writes.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Once one takes writes, the others get so long to say that they are of a newer timeline. */
const OTHERS_MS = 300;
const SLICES = 10;
const CANCEL_WITHIN_MS = 2_000;

/** The server replays what another one writes. */
export class StandbyError extends Error {
  readonly code = 'StandbyError';

  constructor() {
    super('PostgreSQL is a standby here (pg_is_in_recovery): it takes no writes');
  }
}

/** No host can be used now; the message says why not, host by host. */
export class DatabaseAwayError extends Error {
  readonly code = 'DatabaseAway';
}

export interface LookOptions {
  readonly withinMs: number;
  /** For what only reads: a standby will do where nobody takes writes. */
  readonly standby?: boolean;
}

interface Answer {
  readonly host: pg.ClientConfig;
  /** `refuses`: it answers, but lets nobody in, and so says nothing of itself. */
  readonly state: 'writes' | 'refuses' | 'standby' | 'away';
  readonly timeline: string;
  readonly error: Error;
}

const TOO_MANY_CONNECTIONS = '53300';
/** As PgBouncer says it. */
const NO_MORE = /no more connections allowed/;

/** Whether there may be no more connections: of the server, the database, the role, or the pooler. */
export function isFull(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === TOO_MANY_CONNECTIONS || NO_MORE.test(String(message));
}

/** Whether the server itself refuses us: there is no room, or it does not know us. */
function isRefusedBy(error: unknown): boolean {
  return isFull(error) || (error instanceof pg.DatabaseError && !/^(08|57)/.test(error.code ?? ''));
}

/**
 * Asks all at once, each on a connection of its own. Returns one that takes writes, of the newest timeline: after a failover
 * the old server may be back. Throws what one host alone throws, and of several a {@link DatabaseAwayError}.
 */
export async function findHost(hosts: readonly pg.ClientConfig[], options: LookOptions): Promise<pg.ClientConfig> {
  const answers: Answer[] = [];
  let heard = () => {};
  const writes = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const asked = hosts.map(async (host) => {
    const answer = await ask(host, options.withinMs, hosts.length > 1);
    answers.push(answer);
    if (answer.state === 'writes') heard();
  });
  await Promise.race([Promise.all(asked), writes.then(() => delay(OTHERS_MS, undefined, { ref: false }))]);
  const usable = best(answers, options.standby ?? false);
  if (usable) return usable.host;
  const [first] = answers;
  if (hosts.length === 1 && first) throw first.error;
  const inOrder = hosts.flatMap((host) => answers.find((answer) => answer.host === host) ?? []);
  throw new DatabaseAwayError(inOrder.map(({ host, error }) => `${nameOf(host)}: ${error.message}`).join('; '));
}

function best(answers: readonly Answer[], standby: boolean): Answer | undefined {
  const of = (state: Answer['state']) => answers.filter((answer) => answer.state === state);
  const [newest] = of('writes').sort((one, other) => (one.timeline < other.timeline ? 1 : -1));
  return newest ?? of('refuses')[0] ?? (standby ? of('standby')[0] : undefined);
}

/** An ordinary role may ask it. Of one host alone it is not needed, and some services have no such function. */
const TIMELINE = 'CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END';

async function ask(host: pg.ClientConfig, withinMs: number, amongOthers: boolean): Promise<Answer> {
  const client = new pg.Client({ ...host, keepAlive: true });
  client.on('error', () => undefined);
  const stop = afterTurns(withinMs, () => hangUp(client, silence()));
  try {
    await client.connect();
    const { rows } = await client.query<{ standby: boolean; timeline: string | null }>(
      `SELECT pg_is_in_recovery() AS standby, ${amongOthers ? TIMELINE : 'NULL'} AS timeline`,
    );
    client.end().catch(() => undefined);
    const state = rows[0]?.standby ? 'standby' : 'writes';
    return { host, state, timeline: rows[0]?.timeline ?? '', error: new StandbyError() };
  } catch (error) {
    hangUp(client);
    return { host, state: isRefusedBy(error) ? 'refuses' : 'away', timeline: '', error: error as Error };
  } finally {
    stop();
  }
}

function silence(): Error {
  return Object.assign(new Error('PostgreSQL says nothing'), { code: 'ETIMEDOUT' });
}

/** Counted in turns of the event loop, so that a process that was itself held up blames nobody. */
function afterTurns(ms: number, act: () => void): () => void {
  let left = SLICES;
  const timer = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(timer);
    act();
  }, ms / SLICES);
  return () => clearInterval(timer);
}

/** Ends a connection at once, whatever it waits for; that gets the error. */
export function hangUp(client: pg.ClientBase, error?: Error): void {
  streamOf(client).destroy(error);
}

/** How many bytes have come on a connection. */
export function bytesRead(client: pg.ClientBase): number {
  return streamOf(client).bytesRead;
}

/** Whether the server has not answered yet. */
export function isBusy(client: pg.ClientBase): boolean {
  return insideOf(client).readyForQuery === false && !streamOf(client).destroyed;
}

const CANCEL_REQUEST = 80_877_102;

/** Asks the server to give up what it does on this connection, by a connection of its own. Never throws. */
export function cancel(client: pg.ClientBase): void {
  const { host, port, processID, secretKey } = insideOf(client);
  const request = Buffer.alloc(16);
  for (const [index, value] of [16, CANCEL_REQUEST, processID, secretKey].entries()) {
    request.writeInt32BE(value | 0, 4 * index);
  }
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.setTimeout(CANCEL_WITHIN_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.end(request);
}

/** What pg's types leave out. */
interface Inside {
  readonly connection: { readonly stream: Socket };
  readonly readyForQuery: boolean;
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
}

function insideOf(client: pg.ClientBase): Inside {
  return client as unknown as Inside;
}

function streamOf(client: pg.ClientBase): Socket {
  return insideOf(client).connection.stream;
}

function nameOf({ host, port }: pg.ClientConfig): string {
  return `${host ?? 'the default host'}${port === undefined ? '' : `:${port}`}`;
}
