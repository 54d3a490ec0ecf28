// A whole Holdfast for one test file: a database and a Redis of its own, web processes, the worker's core. It is awaited at
// the top of the file, ends after its last test, and then fails the file if anything still holds a connection.
import { afterAll } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Context } from '../../src/core/context.ts';
import { Browser, newEmail, openWorker, startWeb, type TestProcess } from './app.ts';
import { openTestStores } from './stores.ts';

type Env = Readonly<Record<string, string>>;

export interface WorldOptions {
  /** How many web processes, or the settings of each; one unless said otherwise. */
  readonly webs?: number | readonly Env[];
  /** Whether there is a worker, or its settings. */
  readonly worker?: boolean | Env;
  /** Whether a change that left no event fails the file at the end. */
  readonly watched?: boolean;
}

export interface World {
  readonly stores: TestStores;
  /** The first web process, the second, and the worker; reading one that was not asked for throws. */
  readonly web: TestProcess;
  readonly other: TestProcess;
  readonly worker: Context;
  /** A client of the world's own for its Redis database. */
  readonly redis: Redis;
  /** One statement as superuser. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The same past triggers, as the owner of the whole server could. */
  tamper(text: string): Promise<unknown>;
  /** Somebody with an account, logged in at the first web process or at another address. */
  newMember(url?: string): Promise<Person>;
  newOperator(url?: string): Promise<Person>;
  /** One more of each, closed with the world. */
  startWeb(env?: Env): Promise<TestProcess>;
  openWorker(env?: Env): Promise<Context>;
  /** The core with another database role's rights. */
  openAs(role: 'web' | 'owner'): Promise<Context>;
  /** Runs after the last test, before the world ends; what was given last runs first. */
  atEnd(work: () => unknown): void;
}

export interface Person {
  readonly browser: Browser;
  readonly email: string;
  readonly id: string;
}

/** Only at the top of a test file or of a `describe`, where hooks may be set. */
export async function world({ webs = 1, worker = false, watched = false }: WorldOptions = {}): Promise<World> {
  const stores = await openTestStores({ watched });
  const ending: (() => unknown)[] = [];
  const atEnd = (work: () => unknown) => void ending.push(work);
  const end = async () => {
    try {
      for (const work of ending.splice(0).reverse()) await work();
    } finally {
      await stores.close();
    }
  };
  const closing = async <Closable extends { close(): Promise<void> }>(opening: Promise<Closable>) => {
    const opened = await opening;
    atEnd(() => opened.close());
    return opened;
  };
  const oneMoreWeb = (env: Env = {}) => closing(startWeb(stores, env));
  const oneMoreWorker = (env: Env = {}) => closing(openWorker(stores, env));
  let redis: Redis | undefined;
  const openRedis = () => {
    const opened = new Redis(stores.redisUrl);
    atEnd(() => opened.disconnect());
    return opened;
  };

  const settings = typeof webs === 'number' ? Array.from({ length: webs }, () => ({})) : webs;
  const startingWebs = settings.map(oneMoreWeb);
  const startingWorker = worker === false ? undefined : oneMoreWorker(worker === true ? {} : worker);
  await Promise.allSettled([...startingWebs, startingWorker]);
  const [started, openedWorker] = await Promise.all([Promise.all(startingWebs), startingWorker]).catch(
    async (error: unknown) => {
      await end().catch(() => undefined); // what is left open then, this error left open
      throw error;
    },
  );
  afterAll(end);
  const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(stores.database.superuserUrl, text, values);
  const web = () => given(started[0], 'a web process');
  const newMember = async (url = web().url): Promise<Person> => {
    const [browser, email] = [new Browser(url), newEmail()];
    const status = await askPatiently(() => browser.register(email));
    const id = (await web().context.users.findByEmail(email))?.id;
    if (id === undefined) throw new Error(`nobody registered: ${status}`);
    return { browser, email, id };
  };
  const newOperator = async (url?: string): Promise<Person> => {
    const person = await newMember(url);
    await web().context.users.setRole(person.id, 'operator', { actor: null, origin: NO_ORIGIN });
    await askPatiently(() => person.browser.logIn(person.email));
    return person;
  };
  return {
    stores,
    newMember,
    newOperator,
    atEnd,
    startWeb: oneMoreWeb,
    openWorker: oneMoreWorker,
    openAs: (role) => {
      const workerUrl = role === 'web' ? stores.database.webUrl : stores.database.ownerUrl;
      return closing(openWorker({ ...stores, database: { ...stores.database, workerUrl } }));
    },
    sql,
    tamper: (text) => sql(`SET session_replication_role = replica; ${text}`),
    get web() {
      return web();
    },
    get other() {
      return given(started[1], 'a second web process');
    },
    get worker() {
      return given(openedWorker, 'a worker');
    },
    get redis() {
      redis ??= openRedis();
      return redis;
    },
  };
}

/** Again while there is no place to hash: tests make more people at once than one client has places, and the machine may be busy. */
async function askPatiently(ask: () => PromiseLike<{ readonly status: number }>): Promise<number> {
  let status = 503;
  await until(async () => {
    ({ status } = await ask());
    return status !== 503;
  });
  return status;
}

function given<Part>(part: Part | undefined, what: string): Part {
  if (part === undefined) throw new Error(`the world was asked for without ${what}`);
  return part;
}
