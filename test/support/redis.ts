// A Redis database for one test file: numbers are handed out once in a test run and never again.
import { Redis } from 'ioredis';

export interface TestRedis {
  url: string;
  /** The clients that are connected to it, one a line. */
  clients(): Promise<string[]>;
  close(): Promise<void>;
}

const databases = 512;

/** An empty database that no other test file uses. Database 0 only counts them. */
export async function claimRedisDatabase(): Promise<TestRedis> {
  const server = process.env.TEST_REDIS_URL;
  if (!server) throw new Error('TEST_REDIS_URL is not set: run the tests with "npm test"');
  const counter = new Redis(`${server}/0`);
  const index = await counter.incr('claimed').finally(() => counter.disconnect());
  if (index >= databases) throw new Error(`The ${databases} Redis databases of this test run are used up.`);
  const url = `${server}/${index}`;
  await flush(url);
  return { url, clients: () => clientsOf(server, index), close: () => flush(url) };
}

async function clientsOf(server: string, index: number): Promise<string[]> {
  const redis = new Redis(`${server}/0`);
  const list = (await redis.client('LIST').finally(() => redis.disconnect())) as string;
  return list.split('\n').filter((line) => line.includes(` db=${index} `));
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushdb().finally(() => redis.disconnect());
}
