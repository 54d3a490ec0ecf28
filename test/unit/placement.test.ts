// Which Redis has a session: even shares, and as few moves as there can be.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { placeOf } from '../../src/core/sessions/placement.ts';

const names = Array.from({ length: 20_000 }, (_, number) =>
  createHash('sha256').update(`${number}`).digest('base64url'),
);

test.each([2, 3, 8, 16])('of %d each gets an even share', (places) => {
  const counts = Array.from({ length: places }, () => 0);
  for (const name of names) counts[placeOf(name, places)] = (counts[placeOf(name, places)] ?? 0) + 1;
  for (const count of counts) {
    expect(count * places).toBeGreaterThan(0.85 * names.length);
    expect(count * places).toBeLessThan(1.15 * names.length);
  }
});

test.each([1, 2, 3, 8])(
  'one more beside %d takes only its own share, and nothing moves between the others',
  (places) => {
    const moved = names.filter((name) => placeOf(name, places) !== placeOf(name, places + 1));
    for (const name of moved) expect(placeOf(name, places + 1)).toBe(places);
    expect((moved.length * (places + 1)) / names.length).toBeCloseTo(1, 0);
  },
);

test('every version finds the same place', () => {
  expect(names.slice(0, 12).map((name) => placeOf(name, 5))).toEqual([4, 0, 1, 2, 2, 1, 2, 0, 2, 2, 1, 4]);
});
