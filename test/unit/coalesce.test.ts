// Nudges of a burst: the first goes at once, the others together, and none waits for longer than the pause.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { coalesce } from '../../src/core/platform/coalesce.ts';

const EVERY_MS = 100;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function counted() {
  const at: number[] = [];
  const startedAt = Date.now();
  const burst = coalesce(EVERY_MS, async () => void at.push(Date.now() - startedAt));
  return { burst, at };
}

describe('a burst', () => {
  test('is done at once when it is the first, and not again', () => {
    const { burst, at } = counted();
    burst.ask();
    expect(at).toEqual([0]);
    jest.advanceTimersByTime(10 * EVERY_MS);
    expect(at).toEqual([0]);
  });

  test('of a thousand is done once at its end, and whatever comes last is not forgotten', () => {
    const { burst, at } = counted();
    for (let asked = 0; asked < 1_000; asked += 1) burst.ask();
    jest.advanceTimersByTime(EVERY_MS - 1);
    burst.ask();
    expect(at).toEqual([0]);
    jest.advanceTimersByTime(10 * EVERY_MS);
    expect(at).toEqual([0, EVERY_MS]);
  });

  test('that never ends is done once in each pause', () => {
    const { burst, at } = counted();
    for (let ms = 0; ms < 10 * EVERY_MS; ms += 1) {
      burst.ask();
      jest.advanceTimersByTime(1);
    }
    expect(at).toEqual(Array.from({ length: 11 }, (_, index) => index * EVERY_MS));
  });

  test('after a pause is done at once again', () => {
    const { burst, at } = counted();
    burst.ask();
    jest.advanceTimersByTime(3 * EVERY_MS);
    burst.ask();
    expect(at).toEqual([0, 3 * EVERY_MS]);
  });

  test('goes on after a failure', () => {
    let tries = 0;
    const burst = coalesce(EVERY_MS, () => {
      tries += 1;
      return Promise.reject(new Error('Redis is away'));
    });
    burst.ask();
    burst.ask();
    jest.advanceTimersByTime(EVERY_MS);
    expect(tries).toBe(2);
  });

  test('is finished before its time, and waited for', async () => {
    const { burst, at } = counted();
    burst.ask();
    burst.ask();
    jest.advanceTimersByTime(1);
    await burst.finish();
    expect(at).toEqual([0, 1]);
    await burst.finish();
    expect(at).toEqual([0, 1]);
  });
});
