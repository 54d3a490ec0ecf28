// A form that begins a session, sent twice, as by a double click: the browser drops the first answer
// and the cookie in it. Of the sessions that one form begins within a minute only the last sending's
// stays. Without Redis, which remembers the sendings, each begins a session of its own. What a sending began is signed: whoever
// can write to Redis must not have it go on as somebody else.
import { createHash } from 'node:crypto';
import type { Result } from 'ioredis';
import Keygrip from 'keygrip';
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

const SCRIPTS = {
  // Counts a sending; answers which it is, and what earlier ones began.
  hfSent: `
    local turn = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return {turn, turn == 1 and {} or redis.call('HGETALL', KEYS[1])}`,
  // Notes what a sending began; answers all that there is.
  hfBegun: `
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    return redis.call('HGETALL', KEYS[1])`,
} as const;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hfSent(key: string, turn: string, keepMs: number): Result<[turn: number, all: string[]], Context>;
    hfBegun(key: string, sessionId: string, begun: string, keepMs: number): Result<string[], Context>;
  }
}

/** What one sending began, and where it led. */
interface Beginning extends BegunBefore {
  readonly turn: number;
  readonly to: string;
}

interface Arrival {
  readonly turn: number;
  readonly before: readonly Beginning[];
}

export interface SentTwice {
  /** Stands before what can be done again, such as checking a password: each sending does it. */
  readonly lastCounts: Koa.Middleware;
  /** The same where a sending counts from `ctx.state.onAdmitted` on: one that is refused asks no store. */
  readonly lastAdmittedCounts: Koa.Middleware;
  /** Stands before what can be done once, such as using a code: later sendings go on from the first. */
  readonly firstCounts: Koa.Middleware;
  /** Where the same form led that began the session of this browser; null for any other. */
  ledTo(ctx: Koa.Context, fields: Fields): Promise<string | null>;
}

type Needed = Pick<Context, 'redis' | 'config' | 'sessions' | 'startAgain' | 'log'>;

export function createSentTwice({ redis, config, sessions, startAgain, log }: Needed): SentTwice {
  for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { lua, numberOfKeys: 1 });
  const keygrip = new Keygrip([...config.sessionKeys], 'sha256', 'base64');

  /** Of a hash, as its fields and values in turns; those with a good signature, which a version before this one does not write. */
  function beginningsOf(key: string, all: readonly string[]): Beginning[] {
    return all.flatMap((text, at) => {
      if (at % 2 === 0 || all[at - 1] === TURN) return [];
      const { signature = '', ...begun } = JSON.parse(text) as Beginning & { readonly signature?: string };
      return keygrip.verify(signedOf(key, begun), signature) ? [begun] : [];
    });
  }

  /** Of several sendings in several processes, Redis tells the order in which they arrived. */
  async function arrive(key: string): Promise<Arrival> {
    const [turn, all] = await redis.hfSent(key, TURN, REMEMBERED_MS);
    return { turn, before: beginningsOf(key, all) };
  }

  /** Null where Redis does not tell. */
  function arrived(key: string): Promise<Arrival | null> {
    return arrive(key).catch((error: unknown) => {
      log.debug({ err: error }, 'whether a form is sent twice is not known');
      return null;
    });
  }

  async function keep(key: string, begun: Beginning): Promise<Beginning[]> {
    const text = JSON.stringify({ ...begun, signature: keygrip.sign(signedOf(key, begun)) });
    return beginningsOf(key, await redis.hfBegun(key, begun.sessionId, text, REMEMBERED_MS));
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
      const arriving = arrived(key);
      // What is done again needs to know only afterwards: what it asks Redis goes along.
      if (!goesOn) await next();
      const sending = await arriving;
      if (!sending || sending.turn > MOST_SENDINGS) return goesOn ? next() : undefined;
      const before = goesOn ? newest(sending.before) : undefined;
      if (goesOn && !(before && (await goOn(ctx, before)))) await next();
      await settle(ctx, key, sending.turn);
    };
  }

  /** Of what is refused before it is tried Redis hears nothing. */
  const admitted: Koa.Middleware = async (ctx, next) => {
    const key = keyOf(ctx, await readBody(ctx));
    let arriving: Promise<Arrival | null> | null = null;
    ctx.state.onAdmitted = () => {
      arriving ??= arrived(key);
    };
    await next();
    const sending = await (arriving as Promise<Arrival | null> | null);
    if (sending && sending.turn <= MOST_SENDINGS) await settle(ctx, key, sending.turn);
  };

  return {
    lastCounts: receiving(false),
    lastAdmittedCounts: admitted,
    firstCounts: receiving(true),

    async ledTo(ctx, fields) {
      const key = keyOf(ctx, fields);
      const all = Object.entries(await redis.hgetall(key).catch(() => ({}))).flat();
      const own = liveSession(ctx)?.owner.id;
      return beginningsOf(key, all).find(({ sessionId }) => sessionId === own)?.to ?? null;
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

function signedOf(key: string, { sessionId, userId, turn, to }: Beginning): string {
  return `sent form ${JSON.stringify([key, sessionId, userId, turn, to])}`;
}

function newest(beginnings: readonly Beginning[]): Beginning | undefined {
  return beginnings.toSorted((one, other) => other.turn - one.turn)[0];
}
