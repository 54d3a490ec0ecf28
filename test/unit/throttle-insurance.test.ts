// The throttle in a process's memory, while Redis is away: it counts, and a client that is refused takes no memory with what it tries.
import { afterEach, expect, jest, test } from '@jest/globals';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { readConfig } from '../../src/core/config.ts';
import { createInsurance } from '../../src/core/throttle-insurance.ts';
import { createThrottleWindows } from '../../src/core/throttle-windows.ts';

const { throttle: policy } = readConfig({
  DATABASE_URL: 'postgres://a@b/c',
  REDIS_URL: 'redis://a',
  THROTTLE_CLIENT: '3/50/1h',
  THROTTLE_ACCOUNT_CLIENT: '2/10/1h',
});
const windows = createThrottleWindows(policy);
const login = (account: string, ip = '203.0.113.1') => windows.login({ account, ip, deviceId: null });

afterEach(() => {
  jest.restoreAllMocks();
});

test('a client that is refused leaves nothing behind of the addresses that it tries', async () => {
  const insurance = createInsurance(policy);
  const touched = jest.spyOn(RateLimiterMemory.prototype, 'consume');
  const taken = [];
  for (let n = 0; n < 10; n += 1) taken.push((await insurance.take(login(`address-${n}`), `${n}`, 'empty')).ok);
  expect(taken).toEqual([true, true, true, ...Array(7).fill(false)]);
  const keys = touched.mock.calls.map(([key]) => String(key));
  expect(keys.filter((key) => key.includes('address-'))).toHaveLength(2 * 3);
  expect((await insurance.take(login('address-9', '203.0.113.2'), 'x', 'empty')).ok).toBe(true);
});

test('what is given back whole is forgotten; what was refused costs nothing elsewhere', async () => {
  const insurance = createInsurance(policy);
  const forgotten = jest.spyOn(RateLimiterMemory.prototype, 'delete');
  const first = await insurance.take(login('a'), '1', 'empty');
  if (!first.ok) throw new Error('refused');
  await first.giveBack();
  expect(forgotten).toHaveBeenCalledTimes(3);
  const answers = [];
  for (let n = 0; n < 3; n += 1) answers.push(await insurance.take(login('a'), `${n}`, 'empty'));
  expect(answers.map(({ ok }) => ok)).toEqual([true, true, false]); // by account and client
  expect((await insurance.take(login('b'), '4', 'empty')).ok).toBe(true); // the third cost the client nothing
});
