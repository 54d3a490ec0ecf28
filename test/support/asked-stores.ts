// What was asked of the stores for requests, without what a process asks by its own clock: that comes at any moment.
import { jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import type pg from 'pg';

/** How many sessions each command that read some asked for, until `restore` is called. */
export function watchSessionReads(redis: Redis): { each(): number[]; restore(): void } {
  const read = jest.spyOn(redis, 'mgetBuffer');
  const sessions = (keys: unknown[]) => keys.flat().filter((key) => String(key).startsWith('s:')).length;
  return {
    each: () => read.mock.calls.map(sessions).filter((count) => count > 0),
    restore: () => read.mockRestore(),
  };
}

/** The texts of the statements, also those on connections that were taken for several, until `restore` is called. */
export function watchStatements(pool: pg.Pool): { texts(): string[]; restore(): void } {
  const texts: string[] = [];
  const note = (statement: unknown) => {
    const { text = '' } = typeof statement === 'string' ? { text: statement } : (statement as { text?: string });
    texts.push(...text.split(';').map((one) => one.trim()));
  };
  const { query, connect } = pool;
  const asked = jest.spyOn(pool, 'query').mockImplementation(((...args: unknown[]) => {
    note(args[0]);
    return Reflect.apply(query, pool, args);
  }) as typeof query);
  const taken = jest.spyOn(pool, 'connect').mockImplementation(((...args: unknown[]) => {
    const client: unknown = Reflect.apply(connect, pool, args);
    // With a callback it is the pool's own, for a statement that was noted already.
    return args.length === 0 ? (client as Promise<pg.PoolClient>).then((lent) => noting(lent, note)) : client;
  }) as typeof connect);
  return {
    texts: () => texts.filter((text) => text !== '' && !/lineage FROM audit_head|ending_seq IS NULL/.test(text)),
    restore: () => {
      asked.mockRestore();
      taken.mockRestore();
    },
  };
}

/** Notes what is asked on a connection until it is given back. */
function noting(client: pg.PoolClient, note: (statement: unknown) => void): pg.PoolClient {
  const { query, release } = client;
  const asked = jest.spyOn(client, 'query').mockImplementation(((...args: unknown[]) => {
    note(args[0]);
    return Reflect.apply(query, client, args);
  }) as typeof query);
  client.release = (error) => {
    asked.mockRestore();
    client.release = release;
    return release(error);
  };
  return client;
}
