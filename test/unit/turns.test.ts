// Requests begin by turns of the event loop once several clients ask.
import type Koa from 'koa';
import { createTurns, turns } from '../../src/web/http/turns.ts';

function turnsByHand() {
  const laters: (() => void)[] = [];
  let time = 0;
  const begin = createTurns({ later: (next) => void laters.push(next), now: () => time });
  const begun: string[] = [];
  return {
    begun,
    pass(ms: number): void {
      time += ms;
    },
    ask(client: string, now = 0): void {
      time = now;
      const wait = begin(client);
      if (wait) void wait.then(() => begun.push(client));
      else begun.push(client);
    },
    async turn(): Promise<void> {
      for (const later of laters.splice(0)) later();
      await null;
    },
    idle: () => laters.length === 0,
  };
}

test('a client that asks alone waits for nobody', async () => {
  const { ask, begun, turn, idle } = turnsByHand();
  ask('flood', 0);
  while (!idle()) await turn();
  for (let at = 0; at < 100; at += 1) ask('flood', 2_000);
  expect(begun).toHaveLength(101);
  expect(idle()).toBe(true);
});

test('beside others a client begins four in a turn, and whoever comes later is not behind its hundreds', async () => {
  const { ask, begun, turn } = turnsByHand();
  ask('somebody');
  for (let at = 0; at < 100; at += 1) ask('flood');
  expect(begun).toEqual(['somebody', 'flood', 'flood', 'flood', 'flood']);
  await turn();
  expect(begun.splice(0)).toHaveLength(9);
  ask('somebody');
  expect(begun).toEqual(['somebody']);
});

test('after a turn that took long fewer begin, one at least, and more again once turns are short', async () => {
  const { ask, begun, pass, turn } = turnsByHand();
  ask('somebody');
  for (let at = 0; at < 100; at += 1) ask('flood');
  begun.length = 0;
  const begins = async (took: number) => {
    pass(took);
    await turn();
    return begun.splice(0).length;
  };
  expect(await begins(3)).toBe(2);
  expect(await begins(3)).toBe(1);
  expect(await begins(3)).toBe(1);
  expect(await begins(0.4)).toBe(2);
  expect(await begins(0.8)).toBe(3);
  expect(await begins(0.5)).toBe(4);
  expect(await begins(0.5)).toBe(4);
});

test('everything begins in the end, in its client’s order, and nothing is left over', async () => {
  const { ask, begun, turn, idle } = turnsByHand();
  for (let at = 0; at < 50; at += 1) ask(at % 2 ? 'one' : 'other');
  for (let turns = 0; turns < 20 && !idle(); turns += 1) await turn();
  expect(begun).toHaveLength(50);
  expect(begun.slice(0, 8).filter((client) => client === 'one')).toHaveLength(4);
  expect(idle()).toBe(true);
});

test('whoever has left before their turn is not answered', async () => {
  const middleware = turns();
  const answered: string[] = [];
  const ask = (ip: string, destroyed = false) => {
    const ctx = { state: { origin: { ip } }, req: { socket: { destroyed } }, res: { statusCode: 404 } };
    const asked = middleware(ctx as unknown as Koa.Context, async () => void answered.push(ip));
    return Promise.resolve(asked).then(() => ctx.res.statusCode);
  };
  await ask('192.0.2.1');
  const first = Array.from({ length: 4 }, () => ask('192.0.2.2'));
  const [left, stayed] = [ask('192.0.2.2', true), ask('192.0.2.2')];
  await Promise.all(first);
  expect(await left).toBe(499);
  expect(await stayed).toBe(404);
  expect(answered).toHaveLength(6);
});
