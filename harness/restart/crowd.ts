// The people of a run: readers who are logged in and look at a restricted page again and again, and people who make
// accounts, log in, mistype their password and log out. Every request is counted, and every answer goes into the ledger.
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, type Ask, type Connection, connection, cookieJar, formToken, type Jar } from './client.ts';
import type { Ledger, Obtained } from './ledger.ts';

export interface Crowd {
  /** Readers whose connection is kept alive, and readers who open another for each page. */
  readonly keepAlive: number;
  readonly fresh: number;
  /** Those who register, log in and log out. */
  readonly people: number;
  /** Everybody waits up to this long before the next request. */
  readonly thinkTimeMs: number;
}

/** A request that got no answer, 5xx, or an answer of the wrong kind. Moments are of `performance.now()`. */
export interface Failure {
  readonly what: string;
  readonly answered: boolean;
  /** When the connection was asked for that it went over, and when it was known to have failed. */
  readonly connectedAt: number;
  readonly failedAt: number;
}

export interface Tally {
  requests: number;
  failures: Failure[];
  /** Log-ins and registrations that were answered with 503, where that is allowed. */
  refused: number;
  /** The last of them, of `performance.now()`. */
  lastRefusedAt: number | null;
  /** How long each took, in milliseconds. */
  durations: number[];
}

export interface LoadOptions {
  readonly port: number;
  readonly ledger: Ledger;
  readonly crowd: Crowd;
  readonly readers: readonly Obtained[];
  /** Whether logging in and registering may be refused with 503, as they are while PostgreSQL is away. */
  readonly mayRefuse: boolean;
}

const SESSION = 'holdfast_session';
const PASSWORD = 'correct horse battery staple';

let persons = 0;

/** Starts everybody; `stop` lets each finish the request in hand and returns what happened. */
export function startLoad({ port, ledger, crowd, readers, mayRefuse }: LoadOptions): { stop(): Promise<Tally> } {
  const tally = emptyTally();
  const state = { stopping: false };
  const think = () => delay(Math.random() * crowd.thinkTimeMs);
  const read = async (reader: Obtained, keepAlive: boolean) => {
    const browser = { client: connection(port, keepAlive), tally, mayRefuse };
    while (!state.stopping) {
      await ask(browser, { method: 'GET', path: '/profile', ...reader }, 200);
      await think();
    }
    browser.client.close();
  };
  const stayed: Stayed[] = [];
  const live = async () => {
    while (!state.stopping) {
      const client = connection(port, true);
      const browser = { client, tally, mayRefuse, ledger, think };
      const visitor = { ...browser, address: newAddress(), jar: cookieJar() };
      const refused = tally.refused;
      const obtained = await oneVisit(visitor);
      if (obtained) stayed.push({ ...visitor, obtained });
      const leaver = tally.refused > refused ? stayed.shift() : undefined;
      if (leaver) await logOut({ ...leaver, ...browser }, leaver.obtained); // also while nobody can log in
      client.close();
    }
  };
  const everybody = [
    ...readers.map((reader, index) => read(reader, index < crowd.keepAlive)),
    ...Array.from({ length: crowd.people }, live),
  ];
  return {
    async stop() {
      state.stopping = true;
      await Promise.all(everybody);
      return tally;
    },
  };
}

/** Makes the accounts of the readers and returns their cookies. */
export async function registerReaders(port: number, ledger: Ledger, count: number): Promise<Obtained[]> {
  const tally = emptyTally();
  const readers: Obtained[] = [];
  while (readers.length < count) {
    const client = connection(port, true);
    const think = async () => undefined;
    const visitor = { client, tally, mayRefuse: false, ledger, think, address: newAddress(), jar: cookieJar() };
    const obtained = await register(visitor, newEmail());
    client.close();
    if (!obtained) throw new Error(`a reader could not register: ${tally.failures[0]?.what}`);
    readers.push(obtained);
  }
  return readers;
}

interface Browser {
  readonly client: Connection;
  readonly tally: Tally;
  readonly mayRefuse: boolean;
}

interface Visitor extends Browser {
  readonly ledger: Ledger;
  readonly address: string;
  readonly jar: Jar;
  readonly think: () => Promise<unknown>;
}

/** Somebody who is logged in and has gone. */
type Stayed = Pick<Visitor, 'address' | 'jar'> & { readonly obtained: Obtained };

/** Register, look, log out, look again, mistype, log in; the last session stays. Given up where a request fails. */
async function oneVisit(visitor: Visitor): Promise<Obtained | undefined> {
  const email = newEmail();
  const first = await register(visitor, email);
  if (!first || !(await logOut(visitor, first))) return undefined;
  if (!(await step(visitor, 'GET', '/profile', 303))) return undefined;
  await logIn(visitor, email, 'not the password that it is', 401);
  return logIn(visitor, email, PASSWORD, 303);
}

async function register(visitor: Visitor, email: string): Promise<Obtained | undefined> {
  const answer = await submit(visitor, '/register', { email, password: PASSWORD }, 303);
  if (!answer) return undefined;
  visitor.ledger.owes(answer.requestId, ['user_created', 'session_created']);
  return enter(visitor);
}

async function logIn(
  visitor: Visitor,
  email: string,
  password: string,
  status: 303 | 401,
): Promise<Obtained | undefined> {
  const answer = await submit(visitor, '/login', { email, password }, status);
  if (!answer) return undefined;
  visitor.ledger.owes(
    answer.requestId,
    status === 303 ? ['authn_login_success', 'session_created'] : ['authn_login_fail'],
  );
  return status === 303 ? enter(visitor) : undefined;
}

async function logOut(visitor: Visitor, obtained: Obtained): Promise<boolean> {
  const page = await step(visitor, 'GET', '/profile', 200);
  if (!page) return false;
  visitor.ledger.leaving(obtained);
  const answer = await step(visitor, 'POST', '/logout', 303, { _csrf: formToken(page) });
  if (!answer) return false;
  visitor.ledger.owes(answer.requestId, ['session_ended']);
  visitor.ledger.ended(obtained);
  // A browser would have dropped the cookie; this one goes on trying it.
  visitor.jar.take({ ...answer, cookies: [obtained.cookie] });
  return true;
}

function enter({ jar, address, ledger }: Visitor): Obtained {
  const obtained = { cookie: `${SESSION}=${jar.get(SESSION)}`, address };
  ledger.begun(obtained);
  return obtained;
}

async function submit(
  visitor: Visitor,
  path: string,
  fields: Readonly<Record<string, string>>,
  status: number,
): Promise<Answer | undefined> {
  const form = await step(visitor, 'GET', path, 200);
  return form && step(visitor, 'POST', path, status, { ...fields, _csrf: formToken(form) });
}

async function step(
  visitor: Visitor,
  method: 'GET' | 'POST',
  path: string,
  status: number,
  form?: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  const { jar, address } = visitor;
  await visitor.think();
  const request = { method, path, cookie: jar.cookie(), address, ...(form ? { form } : {}) };
  const answer = await ask(visitor, request, status);
  if (answer) jar.take(answer);
  return answer;
}

/** Asks and counts; undefined when there was no answer, or not the one that is right. */
async function ask({ client, tally, mayRefuse }: Browser, request: Ask, status: number): Promise<Answer | undefined> {
  const from = performance.now();
  const answer = await client.ask(request).catch((error: Error) => error.message);
  const until = performance.now();
  tally.requests += 1;
  tally.durations.push(until - from);
  if (typeof answer !== 'string' && answer.status === status) return answer;
  const { method, path } = request;
  const entering = method === 'POST' && (path === '/login' || path === '/register');
  if (mayRefuse && entering && typeof answer !== 'string' && answer.status === 503) {
    tally.refused += 1;
    tally.lastRefusedAt = until;
    return undefined;
  }
  const got = typeof answer === 'string' ? answer : `${answer.status} (${answer.requestId})`;
  const moments = { connectedAt: client.openedAt(), failedAt: until };
  tally.failures.push({ what: `${method} ${path}: ${got}`, answered: typeof answer !== 'string', ...moments });
  return undefined;
}

function emptyTally(): Tally {
  return { requests: 0, failures: [], refused: 0, lastRefusedAt: null, durations: [] };
}

function newEmail(): string {
  persons += 1;
  return `person-${persons}@example.org`;
}

/** Each person has an address of their own, as behind a proxy. */
function newAddress(): string {
  persons += 1;
  return `10.${persons >> 16}.${(persons >> 8) & 255}.${persons & 255}`;
}
