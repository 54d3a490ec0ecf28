// People whose sessions are shared out over several Redis, and which one each of them is in.

import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../../src/core/context.ts';
import { hashToken } from '../../src/core/credentials/random-token.ts';
import { nameOf } from '../../src/core/sessions/cache-entry.ts';
import { placeOf } from '../../src/core/sessions/placement.ts';
import { Browser, newEmail, SESSION_COOKIE, setCookie, type TestProcess } from './app.ts';

export interface Visitor {
  readonly browser: Browser;
  readonly email: string;
  /** As a header, whatever the browser keeps later. */
  readonly cookie: string;
  /** What the session is called in Redis. */
  readonly name: string;
  readonly tokenHash: Buffer;
}

/** Somebody new, or somebody's next log-in. */
export async function visitor(on: TestProcess, email?: string): Promise<Visitor> {
  const browser = new Browser(on.url);
  const address = email ?? newEmail();
  const answer = await (email === undefined ? browser.register(address) : browser.logIn(address));
  const cookie = setCookie(answer, SESSION_COOKIE)?.split(';')[0];
  if (cookie === undefined) throw new Error(`nobody got in: ${answer.status}`);
  const tokenHash = hashToken(cookie.slice(SESSION_COOKIE.length + 1).split('.')[0] ?? '');
  return { browser, email: address, cookie, name: nameOf(tokenHash), tokenHash };
}

/** The same visitor at another process. */
export function browserOf({ cookie }: Visitor, on: TestProcess): Browser {
  const browser = new Browser(on.url);
  browser.agent.jar.setCookie(`${cookie}; path=/`, '127.0.0.1', '/');
  return browser;
}

/** Visitors until each of so many places has at least so many of them; of one account where it is told. */
export async function crowd(on: TestProcess, places: number, least: number, email?: string): Promise<Visitor[]> {
  const all: Visitor[] = [];
  const counts = Array.from({ length: places }, () => 0);
  while (counts.some((count) => count < least)) {
    const one = await visitor(on, email);
    counts[placeOf(one.name, places)] = (counts[placeOf(one.name, places)] ?? 0) + 1;
    all.push(one);
  }
  return all;
}

/** The status of a restricted page: 200 for who is logged in. */
export async function statusOf({ cookie }: Pick<Visitor, 'cookie'>, on: TestProcess): Promise<number> {
  const answer = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

export function statusesOf(all: readonly Visitor[], on: TestProcess): Promise<number[]> {
  return Promise.all(all.map((one) => statusOf(one, on)));
}

/** What they get who all get the same. */
export function each(all: readonly unknown[], status: number): number[] {
  return all.map(() => status);
}

/** How long another process may believe in a session that has ended, at most (docs/architecture.md). */
export const BELIEVED_MS = 2_500;
/** The same for a test that only waits, on a busy machine. Waiting for a minute would pass where the next sweep mends it. */
export const OUT_WITHIN_MS = 2 * BELIEVED_MS;

/** What readers leave of the machine for everybody else. */
const THINK_MS = 25;

interface Processes {
  readonly webs: readonly TestProcess[];
  readonly worker: Context;
}

/** People who read, people who log out meanwhile and try again, and a worker that seals. */
export function startLoad({ webs, worker }: Processes, readers: readonly Visitor[]) {
  const stopping = new AbortController();
  const ended: { readonly one: Visitor; readonly at: number }[] = [];
  const refused: number[] = [];
  const believed: number[] = [];
  let pages = 0;

  async function read(one: Visitor, on: TestProcess): Promise<void> {
    while (!stopping.signal.aborted) {
      const status = await statusOf(one, on);
      pages += 1;
      if (status !== 200) refused.push(status);
      await delay(THINK_MS);
    }
  }

  async function tryAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const { one, at } of ended) {
        const late = performance.now() - at - BELIEVED_MS;
        for (const on of webs) if ((await statusOf(one, on)) !== 303 && late > 0) believed.push(Math.round(late));
      }
      await delay(20);
    }
  }

  async function seal(): Promise<void> {
    while (!stopping.signal.aborted) {
      await worker.sealing.seal().catch(() => undefined);
      await delay(500);
    }
  }

  const running = [
    ...readers.map((one, index) => read(one, webs[index % webs.length] as TestProcess)),
    tryAgain(),
    seal(),
  ];
  return {
    pages: () => pages,
    async logOut(one: Visitor): Promise<void> {
      const { status } = await one.browser.logOut();
      if (status === 303) ended.push({ one, at: performance.now() });
      else refused.push(status);
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return { refused, believed };
    },
  };
}
