// What bench login measures in processes of their own: the bare rate of the hash library, and how long pages take.
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { verify } from '@node-rs/argon2';

export type Order =
  | { readonly what: 'hashes'; readonly ms: number; readonly hash: string; readonly password: string }
  | { readonly what: 'pages'; readonly ms: number; readonly url: string; readonly cookie: string };

const READERS = 4;
const PAUSE_MS = 5;

process.once('message', async (order: Order) => {
  const figure = order.what === 'hashes' ? await hashesPerSecond(order) : await pagesWithin(order);
  process.send?.(figure, () => process.exit(0));
});

/** One hash after the other, by the library and nothing else. */
async function hashesPerSecond({ ms, hash, password }: Extract<Order, { what: 'hashes' }>): Promise<number> {
  await verify(hash, password);
  const startedAt = performance.now();
  let count = 0;
  for (; performance.now() - startedAt < ms; count += 1) await verify(hash, password);
  return (1_000 * count) / (performance.now() - startedAt);
}

/** Within how many milliseconds 99 % of the pages of a few people came, who pause between two. */
async function pagesWithin({ ms, url, cookie }: Extract<Order, { what: 'pages' }>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: READERS });
  const times: number[] = [];
  const until = performance.now() + ms;
  const read = async () => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await page(`${url}/profile`, cookie, agent);
      times.push(performance.now() - startedAt);
      await delay(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
  agent.destroy();
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

function page(url: string, cookie: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { cookie } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the page came with ${response.statusCode}`));
      response.resume().on('end', resolve);
    }).on('error', reject);
  });
}
