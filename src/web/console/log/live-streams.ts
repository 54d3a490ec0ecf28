// Sends new events of the log to open pages as they are sealed. A reader that reconnects with the
// last number it has seen misses none and gets none twice, from any process. Sessions are checked
// every few seconds; all streams of a process share one poll a second.

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type Koa from 'koa';
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import type { AuditFilter } from '../../../core/audit/reading/query.ts';
import type { Context } from '../../../core/context.ts';
import { seesConsole } from '../../../core/sessions/role.ts';
import { HttpError } from '../../http/http-error.ts';
import { liveSession } from '../../session/request-state.ts';

const POLL_MS = 1_000;
const SESSION_CHECK_MS = 3_000;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 1_000;
const BATCH = 200;
const MOST_STREAMS = 32;
const MOST_A_SESSION = 4;

export interface LiveReader {
  readonly filter: AuditFilter;
  /** The last event that the reader has seen; null for only new ones. */
  readonly after: number | null;
  readonly render: (events: readonly SealedEvent[]) => Promise<readonly string[]>;
}

interface Stream extends LiveReader {
  readonly body: PassThrough;
  readonly token: string;
  readonly sessionId: string;
  at: number;
  busy: boolean;
  checkedAt: number;
  saidAt: number;
}

export type LiveStreams = ReturnType<typeof createLiveStreams>;

export function createLiveStreams({ auditLog, sessionCache, log }: Pick<Context, 'auditLog' | 'sessionCache' | 'log'>) {
  const streams = new Set<Stream>();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  async function poll(): Promise<void> {
    const now = performance.now();
    for (const stream of streams) void keepGuard(stream, now);
    const head = await auditLog.head().catch((error: unknown) => {
      log.debug({ err: error }, 'the head of the log could not be read for the streams');
      return null;
    });
    for (const stream of streams) if (head) void advance(stream, head.seq);
    timer = streams.size > 0 ? setTimeout(() => void poll(), POLL_MS).unref() : undefined;
  }

  /** Ends the stream of a session that is no longer an operator's, or can't be read. */
  async function keepGuard(stream: Stream, now: number): Promise<void> {
    if (now - stream.checkedAt < SESSION_CHECK_MS) return;
    stream.checkedAt = now;
    const reading = await sessionCache.read(stream.token).catch(() => null);
    if (reading?.state !== 'live' || !seesConsole(reading.owner.role)) stream.body.end();
  }

  async function advance(stream: Stream, head: number): Promise<void> {
    if (stream.busy) return; // the last batch is still on its way
    stream.busy = true;
    try {
      while (stream.at < head && isOpen(stream)) {
        const { events, readTo } = await auditLog.following(stream.filter, { after: stream.at, upTo: head }, BATCH);
        const texts = events.length > 0 ? await stream.render(events) : [];
        await send(stream, events.map(({ seq }, index) => message(seq, texts[index] ?? '')).join(''));
        stream.at = readTo;
      }
      // An id without data moves the reader past events that its filter leaves out.
      if (performance.now() - stream.saidAt > HEARTBEAT_MS) await send(stream, `id: ${stream.at}\n\n`);
    } catch (error) {
      log.debug({ err: error }, 'a stream could not go on; it is tried again');
    } finally {
      stream.busy = false;
    }
  }

  return {
    /** The stream lasts until its reader leaves, its session ends or the process drains. */
    async open(ctx: Koa.Context, reader: LiveReader): Promise<void> {
      const token = ctx.state.cookie?.token;
      const sessionId = liveSession(ctx)?.owner.id;
      if (token === undefined || sessionId === undefined) throw new HttpError(403, 'no_session');
      const own = [...streams].filter((stream) => stream.sessionId === sessionId).length;
      if (streams.size >= MOST_STREAMS || own >= MOST_A_SESSION) {
        throw new HttpError(503, 'too_many_streams', { 'Retry-After': '10' });
      }
      const at = reader.after ?? (await auditLog.head()).seq;
      const body = new PassThrough();
      const now = performance.now();
      const stream: Stream = { ...reader, body, token, sessionId, at, busy: false, checkedAt: now, saidAt: now };
      ctx.compress = false;
      ctx.type = 'text/event-stream; charset=utf-8';
      ctx.set('X-Accel-Buffering', 'no');
      ctx.set('Connection', 'close'); // or a reader would reconnect to a process that drains
      ctx.body = body;
      body.write(`retry: ${RETRY_MS}\nid: ${at}\n\n`);
      if (ended) {
        body.end();
        return;
      }
      streams.add(stream);
      body.once('close', () => streams.delete(stream));
      timer ??= setTimeout(() => void poll(), 0);
    },

    /** Ends every stream, also those opened later: readers reconnect to another process. */
    end(): void {
      ended = true;
      clearTimeout(timer);
      for (const { body } of streams) body.end();
    },

    count: () => streams.size,
  };
}

function isOpen({ body }: Stream): boolean {
  return !body.writableEnded && !body.destroyed;
}

async function send(stream: Stream, text: string): Promise<void> {
  if (text === '' || !isOpen(stream)) return;
  stream.saidAt = performance.now();
  if (!stream.body.write(text)) await Promise.race([once(stream.body, 'drain'), once(stream.body, 'close')]);
}

function message(seq: number, text: string): string {
  return `id: ${seq}\nevent: audit\ndata: ${JSON.stringify(text)}\n\n`;
}
