// A process in which nobody waits for anything sets no timer of its own, so that nothing wakes it.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createLogOutput } from '../../src/core/platform/logging/output.ts';
import { Breaker } from '../../src/core/platform/postgres/breaker.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('PostgreSQL is watched while somebody waits for it', () => {
  let waits = true;
  const breaker = new Breaker({
    hosts: [{ host: '127.0.0.1', port: 1 }],
    standby: false,
    isWaiting: () => waits,
    onChange: () => undefined,
  });
  expect(jest.getTimerCount()).toBe(0);
  breaker.watch();
  breaker.watch();
  jest.advanceTimersByTime(250);
  expect(jest.getTimerCount()).toBe(1);
  waits = false;
  jest.advanceTimersByTime(250);
  expect(jest.getTimerCount()).toBe(0);
  breaker.watch();
  breaker.close();
  expect(jest.getTimerCount()).toBe(0);
});

test('lines that wait for one another are written after a moment, and nothing is waited for without one', () => {
  const output = createLogOutput({ together: 1_000, droppedLine: () => '' });
  expect(jest.getTimerCount()).toBe(0);
  output.write('');
  output.write('');
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(200);
  expect(jest.getTimerCount()).toBe(0);
});
