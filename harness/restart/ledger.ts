// What the answers have promised: which cookies are logged in, which are dead for good, and which events the log must hold.
// A request without an answer promised nothing; what it may have done is nobody's loss.
import { query } from '../query.ts';
import { connection } from './client.ts';

/** A cookie that was obtained, and the address that it was obtained from. */
export interface Obtained {
  readonly cookie: string;
  readonly address: string;
}

export interface Ledger {
  /** A session began. */
  begun(obtained: Obtained): void;
  /** The log-out is on its way: until it is answered, the cookie may be either. */
  leaving(obtained: Obtained): void;
  /** The log-out was answered. */
  ended(obtained: Obtained): void;
  /** An answered request, by its id, must have left these events. */
  owes(requestId: string, types: readonly string[]): void;
  live(): readonly Obtained[];
  dead(): readonly Obtained[];
  events(): ReadonlyMap<string, readonly string[]>;
}

export function openLedger(): Ledger {
  const live = new Map<string, Obtained>();
  const dead = new Map<string, Obtained>();
  const events = new Map<string, readonly string[]>();
  return {
    begun: (obtained) => void live.set(obtained.cookie, obtained),
    leaving: ({ cookie }) => void live.delete(cookie),
    ended: (obtained) => void dead.set(obtained.cookie, obtained),
    owes: (requestId, types) => void events.set(requestId, types),
    live: () => [...live.values()],
    dead: () => [...dead.values()],
    events: () => events,
  };
}

export interface SessionCheck {
  readonly live: number;
  readonly lost: number;
  readonly revived: number;
}

const CHECKERS = 8;

/** Opens a restricted page with every cookie: those that are logged in must get it, those that were logged out must not. */
export async function checkSessions(port: number, ledger: Ledger): Promise<SessionCheck> {
  const [live, dead] = [await statuses(port, ledger.live()), await statuses(port, ledger.dead())];
  const stillLive = live.filter((status) => status === 200).length;
  return { live: stillLive, lost: live.length - stillLive, revived: dead.filter((status) => status !== 303).length };
}

async function statuses(port: number, all: readonly Obtained[]): Promise<number[]> {
  const waiting = [...all];
  const found: number[] = [];
  const check = async () => {
    const client = connection(port, true);
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const answer = await client.ask({ method: 'GET', path: '/profile', ...next }).catch(() => undefined);
      found.push(answer?.status ?? 0);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CHECKERS }, check));
  return found;
}

export interface EventCheck {
  readonly expected: number;
  /** How many of those that were expected are in the sealed log. */
  readonly found: number;
  /** Events that are there more often than they should be. */
  readonly twice: number;
}

/** Compares the sealed log with what is owed, request by request; `since` leaves out what was owed before. */
export async function checkEvents(
  url: string,
  owed: ReadonlyMap<string, readonly string[]>,
  since = 0,
): Promise<EventCheck> {
  const rows = await query<{ request_id: string; type: string }>(
    url,
    'SELECT request_id, type FROM audit_event WHERE request_id IS NOT NULL',
  );
  const sealed = new Map<string, string[]>();
  for (const row of rows) sealed.set(row.request_id, [...(sealed.get(row.request_id) ?? []), row.type]);
  let [expected, found, twice] = [0, 0, 0];
  for (const [requestId, types] of [...owed].slice(since)) {
    const there = sealed.get(requestId) ?? [];
    expected += types.length;
    found += types.filter((type) => there.includes(type)).length;
    twice += there.length - new Set(there).size;
  }
  return { expected, found, twice };
}
