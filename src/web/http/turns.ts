// Requests begin by turns: while several clients ask, each may begin a few in a turn of the event loop, and the others wait
// for the next. One that sends hundreds at once holds up itself, and everybody else by a few. How few follows what they
// cost: a turn is to be short, for a page waits for two or three of them.
import type Koa from 'koa';
import { clientKey, widerNetworks } from '../../core/platform/networks.ts';
import { memo } from './memo.ts';

const MOST_A_TURN = 4;
const A_TURN_MS = 1;
/** How long after another client's request a client counts as not alone. Alone, it waits for nobody. */
const IN_COMPANY_MS = 1_000;
const KEPT_ADDRESSES = 1_000;

/** Resolves when this client's turn has come; undefined if it has. */
type Begin = (client: string) => Promise<void> | undefined;

/** After `requests`, which says whose a request is. */
export function turns(): Koa.Middleware {
  const begin = createTurns({ later: setImmediate, now: () => performance.now() });
  const networkOf = memo((ip: string) => widerNetworks(ip).at(-1)?.network ?? clientKey(ip), {
    most: KEPT_ADDRESSES,
  });
  return (ctx, next) => {
    const { ip } = ctx.state.origin;
    const wait = begin(ip === null ? 'unknown' : networkOf(ip));
    return wait ? wait.then(() => (ctx.req.socket.destroyed ? leave(ctx) : next())) : next();
  };
}

/** Nobody waits for the answer any more: it is not made. The status is what nginx calls that. */
function leave(ctx: Koa.Context): void {
  ctx.res.statusCode = 499;
}

export interface TurnsOptions {
  /** Runs a function in the next turn. */
  readonly later: (next: () => void) => void;
  /** Milliseconds, never stepping back. */
  readonly now: () => number;
}

export function createTurns({ later, now }: TurnsOptions): Begin {
  const begun = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();
  let scheduled = false;
  let turnBegan = 0;
  let most = MOST_A_TURN;
  let newest = '';
  let inCompanySince: number | null = null;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    turnBegan = now();
    later(nextTurn);
  }

  /** A turn that was too long is followed by one of half as much; one that was not, by one of one more. */
  function fitTurn(): void {
    most = now() - turnBegan > A_TURN_MS ? Math.ceil(most / 2) : Math.min(MOST_A_TURN, most + 1);
  }

  function nextTurn(): void {
    scheduled = false;
    fitTurn();
    begun.clear();
    for (const [client, queue] of waiting) {
      const going = queue.splice(0, most);
      if (queue.length === 0) waiting.delete(client);
      begun.set(client, going.length);
      for (const go of going) go();
    }
    if (begun.size > 0) schedule();
  }

  function isInCompany(client: string): boolean {
    if (client !== newest) {
      newest = client;
      inCompanySince = now();
    } else if (inCompanySince !== null && waiting.size === 0 && now() - inCompanySince > IN_COMPANY_MS) {
      inCompanySince = null;
    }
    return inCompanySince !== null;
  }

  return (client) => {
    if (!isInCompany(client)) return undefined;
    schedule();
    const count = begun.get(client) ?? 0;
    const queue = waiting.get(client);
    if (count < most && !queue) {
      begun.set(client, count + 1);
      return undefined;
    }
    return new Promise((resolve) => {
      if (queue) queue.push(resolve);
      else waiting.set(client, [resolve]);
    });
  };
}
