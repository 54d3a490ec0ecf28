// The throttle in a process's memory, while Redis is away: it counts, gives back what it should, and never takes more memory than it says.
import { expect, test } from '@jest/globals';
import { readConfig } from '../../src/core/config.ts';
import { createMemoryFallback } from '../../src/core/throttle/counters/memory-fallback.ts';
import type { Taken } from '../../src/core/throttle/taken.ts';
import { createThrottleWindows } from '../../src/core/throttle/windows.ts';

const { throttle: policy } = readConfig({
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://a@b/c',
  REDIS_URL: 'redis://a',
  THROTTLE_CLIENT: '3/50/1h',
  THROTTLE_ACCOUNT_CLIENT: '2/10/1h',
  THROTTLE_LOGINS: '3/1h',
});
const windows = createThrottleWindows(policy);

function begin(mostWindows?: number) {
  const memoryFallback = createMemoryFallback(policy, mostWindows);
  const take = (account: string, ip = '203.0.113.1'): Promise<Taken> =>
    memoryFallback.take(windows.login({ account, ip, deviceId: null }), account, 'empty');
  const allowed = async (accounts: readonly string[], ip?: string) => {
    const answers = [];
    for (const account of accounts) answers.push((await take(account, ip)).ok);
    return answers;
  };
  return { memoryFallback, take, allowed };
}

test('any number of attempts at once pass no more than the free ones', async () => {
  const { take } = begin();
  const taken = await Promise.all(Array.from({ length: 50 }, () => take('a')));
  expect(taken.filter(({ ok }) => ok)).toHaveLength(2);
});

test('a client that is refused leaves nothing behind of the addresses that it tries', async () => {
  const { memoryFallback, allowed } = begin();
  const addresses = Array.from({ length: 10 }, (_, index) => `address-${index}`);
  expect(await allowed(addresses)).toEqual([true, true, true, ...Array(7).fill(false)]);
  expect(memoryFallback.size).toBe(1 + 2 * 3);
  expect(await allowed(['address-9', 'address-9', 'address-9'], '203.0.113.2')).toEqual([true, true, false]);
});

test('what is given back whole is forgotten; what was refused costs nothing, here or elsewhere', async () => {
  const { memoryFallback, take, allowed } = begin();
  const first = await take('a');
  if (!first.ok) throw new Error('refused');
  await first.giveBack();
  expect(memoryFallback.size).toBe(0);

  const second = await take('a');
  if (!second.ok) throw new Error('refused');
  expect(await allowed(['a', 'a', 'a'])).toEqual([true, false, false]); // by account and client
  await second.giveBack();
  expect(await allowed(['a', 'b', 'c'])).toEqual([true, true, false]); // the refused ones cost neither
});

test('a success empties its own window and gives the others their point back', async () => {
  const { memoryFallback, take } = begin();
  await take('a');
  const good = await take('a');
  if (!good.ok) throw new Error('refused');
  await good.succeeded();
  expect(memoryFallback.size).toBe(3); // of the client, of the account, and of what succeeded
  expect((await take('a')).ok).toBe(true);
});

test('successes are bounded too, and failures take nothing of them', async () => {
  const { take } = begin();
  await take('a', '198.51.100.1'); // a stranger fails
  for (const settle of ['succeeded', 'passed', 'succeeded'] as const) {
    const taken = await take('a');
    if (!taken.ok) throw new Error('refused');
    await taken[settle]();
  }
  expect((await take('a')).ok).toBe(false);
  expect((await take('b')).ok).toBe(true);
});

test('no more windows are kept than it says: those of the newest attempts', async () => {
  const { memoryFallback, allowed } = begin(30);
  expect(await allowed(['mine', 'mine'], '198.51.100.1')).toEqual([true, true]);
  for (let n = 0; n < 9; n += 1) await allowed([`address-${n}`], `198.51.100.${n + 10}`);
  expect(memoryFallback.size).toBe(30);
  expect(await allowed(['mine'], '198.51.100.1')).toEqual([false]);
  for (let n = 0; n < 100; n += 1) await allowed([`address-${n}`], `198.51.100.${n + 10}`);
  expect(memoryFallback.size).toBe(30);
  expect(await allowed(['mine'], '198.51.100.1')).toEqual([true]);
});
