// Which texts came before: none is forgotten, none is made up, and a million fits.
import { expect, test } from '@jest/globals';
import { createSeen } from '../../src/core/moving/seen.ts';

test('of two hundred thousand texts each is new once', () => {
  const seen = createSeen();
  for (let number = 0; number < 200_000; number += 1)
    if (!seen.add(`id ${number}`)) throw new Error(`${number} is new`);
  for (let number = 0; number < 200_000; number += 7) expect(seen.add(`id ${number}`)).toBe(false);
  expect(seen.add('email 1')).toBe(true);
});
