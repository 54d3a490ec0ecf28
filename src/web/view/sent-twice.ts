// A form that begins a session, sent twice, as by a double click: the browser drops the first answer
// and the cookie in it. Of the sessions that one form begins within a minute only the last sending's
// stays. Without Redis, which remembers the sendings, each begins a session of its own.
import { createHash } from 'node:crypto';
import type Koa from 'koa';
import type { Context } from '../../core/context.ts';
import type { BegunBefore } from '../../core/login/start-again.ts';
import { keys } from '../../core/platform/redis.ts';
import { type Fields, readBody } from '../http/form.ts';
import { seeOther } from '../http/redirect.ts';
import { liveSession } from '../session/request-state.ts';
import { withholdSession } from '../session/session-cookie.ts';
import { firstVisitOf, startVisit } from './visit.ts';

const REMEMBERED_MS = 60_000;
/** Somebody who sends one form more often does not click. */
const MOST_SENDINGS = 4;
const TURN = 'turn';

/** What one sending began, and where it led. */
interface Beginning extends BegunBefore {
  readonly turn: number;
  readonly to: string;
}

export interface SentTwice {
  /** Stands before what can be done again, such as checking a password: each sending does it. */
  readonly lastCounts: Koa.Middleware;
  /** Stands before what can be done once, such as using a code: later sendings go on from the first. */
  readonly firstCounts: Koa.Middleware;
  /** Where the same form led that began the session of this browser; null for any other. */
  ledTo(ctx: Koa.Context, fields: Fields): Promise<string | null>;
}

type Needed = Pick<Context, 'redis' | 'config' | 'sessions' | 'startAgain' | 'log'>;

export function createSentTwice({ redis, config, sessions, startAgain, log }: Needed): SentTwice {
  /** Of several sendings in several processes, Redis tells the order in which they arrived. */
  async function arrive(key: string): Promise<{ turn: number; before: Beginning[] }> {
    const [turn, , all] = await inOne(redis.multi().hincrby(key, TURN, 1).pexpire(key, REMEMBERED_MS).hgetall(key));
    return { turn: Number(turn), before: beginningsOf(all) };
  }

  async function keep(key: string, begun: Beginning): Promise<Beginning[]> {
    const text = JSON.stringify(begun);
    const [, , all] = await inOne(
      redis.multi().hset(key, begun.sessionId, text).pexpire(key, REMEMBERED_MS).hgetall(key),
    );
    return beginningsOf(all);
  }

  /** Ends the sessions of earlier sendings; if this one was, its cookie would only hide the later one's. */
  async function settle(ctx: Koa.Context, key: string, turn: number): Promise<void> {
    const { id: sessionId, userId } = ctx.state.begun?.record.owner ?? {};
    if (sessionId === undefined || userId === undefined || ctx.status !== 303) return;
    const begun = { sessionId, userId, turn, to: ctx.response.get('Location') };
    const all = await keep(key, begun).catch(() => [begun]);
    const last = Math.max(...all.map((one) => one.turn));
    const { origin } = ctx.state;
    for (const { sessionId, userId } of all.filter((one) => one.turn < last)) {
      await sessions.end({ sessionId, ownerId: userId }, { reason: 'replaced', actor: userId, origin });
    }
    if (turn < last) withholdSession(ctx, config);
  }

  async function goOn(ctx: Koa.Context, before: Beginning): Promise<boolean> {
    const begun = await startAgain(before, firstVisitOf(ctx, config));
    if (!begun) return false;
    await startVisit(ctx, config, begun);
    seeOther(ctx, before.to);
    return true;
  }

  function receiving(goesOn: boolean): Koa.Middleware {
    return async (ctx, next) => {
      const key = keyOf(ctx, await readBody(ctx));
      const sending = await arrive(key).catch((error: unknown) => {
        log.debug({ err: error }, 'whether a form is sent twice is not known');
        return null;
      });
      if (!sending || sending.turn > MOST_SENDINGS) return next();
      const before = goesOn ? newest(sending.before) : undefined;
      if (!before || !(await goOn(ctx, before))) await next();
      await settle(ctx, key, sending.turn);
    };
  }

  return {
    lastCounts: receiving(false),
    firstCounts: receiving(true),

    async ledTo(ctx, fields) {
      const all = await redis.hgetall(keyOf(ctx, fields)).catch(() => ({}));
      const own = liveSession(ctx)?.owner.id;
      return beginningsOf(all).find(({ sessionId }) => sessionId === own)?.to ?? null;
    },
  };
}

/**
 * The same only for the same form with the same in each field. The form's token is in it, of which
 * Redis knows nothing, so nobody finds a password by its hash.
 */
function keyOf(ctx: Koa.Context, fields: Fields): string {
  const text = JSON.stringify([ctx.path, ...Object.entries(fields)]);
  return keys.sentForm(createHash('sha256').update(text).digest('base64url'));
}

async function inOne(commands: { exec(): Promise<[Error | null, unknown][] | null> }): Promise<unknown[]> {
  const answers = (await commands.exec()) ?? [];
  for (const [error] of answers) if (error) throw error;
  return answers.map(([, answer]) => answer);
}

function beginningsOf(all: unknown): Beginning[] {
  const { [TURN]: _, ...beginnings } = (all ?? {}) as Record<string, string>;
  return Object.values(beginnings).map((text) => JSON.parse(text) as Beginning);
}

function newest(beginnings: readonly Beginning[]): Beginning | undefined {
  return beginnings.toSorted((one, other) => other.turn - one.turn)[0];
}
