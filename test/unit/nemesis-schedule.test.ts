// A schedule of faults is the seed's: what was seen once can be seen again.
import { expect, test } from '@jest/globals';
import { schedule } from '../../harness/nemesis/schedule.ts';

const FAULTS = ['a', 'b', 'c', 'd', 'e'];

function first(seed: number, count: number) {
  const steps = schedule(seed, FAULTS);
  return Array.from({ length: count }, () => {
    const { value } = steps.next();
    if (!value) throw new Error('the schedule has ended');
    return value;
  });
}

test('the same seed gives the same schedule, another seed another', () => {
  expect(first(7, 50)).toEqual(first(7, 50));
  expect(first(8, 50)).not.toEqual(first(7, 50));
});

test('each fault comes once before any comes again, in another order each round', () => {
  const names = first(1, 20).map(({ fault }) => fault);
  const rounds = [0, 5, 10, 15].map((from) => names.slice(from, from + 5));
  for (const round of rounds) expect([...round].sort()).toEqual(FAULTS);
  expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(1);
});

test('each lasts from a third of a second to eight', () => {
  for (const { forMs, restMs } of first(3, 200)) {
    expect(forMs).toBeGreaterThanOrEqual(300);
    expect(forMs).toBeLessThanOrEqual(8_000);
    expect(restMs).toBeLessThanOrEqual(4_000);
  }
});
