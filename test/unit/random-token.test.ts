// Random tokens: each of its own, whole, and never the zeros that are left where one was drawn.
import { isToken, newToken } from '../../src/core/credentials/random-token.ts';

test('a thousand tokens are a thousand others, with all their bits', () => {
  const tokens = Array.from({ length: 1_000 }, newToken);
  expect(tokens.every(isToken)).toBe(true);
  expect(new Set(tokens).size).toBe(1_000);
  const halves = tokens.flatMap((token) => {
    const bytes = Buffer.from(token, 'base64url');
    return [bytes.toString('hex', 0, 16), bytes.toString('hex', 16)];
  });
  expect(new Set(halves).size).toBe(2_000);
  const ones = tokens.map((token) => [...Buffer.from(token, 'base64url')].reduce((sum, byte) => sum + bits(byte), 0));
  const mean = ones.reduce((sum, count) => sum + count, 0) / ones.length;
  expect(Math.abs(mean - 128)).toBeLessThan(2); // eight standard deviations
});

function bits(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}
