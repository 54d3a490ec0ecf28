// The listing of an export names the line that is missing, added, replaced or moved; where there are too many lines to
// mark each, the stretch.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createListing, type Listing, listed, partingOf } from '../../src/core/audit/reading/listing.ts';

const hashOf = (seq: number) => createHash('sha256').update(`event ${seq}`).digest('base64url');
const NOTHING = { erased: false, actorEmail: null, subjectEmail: null };

interface Line {
  seq: number;
  text: string;
}

/** Of every third event, as a filter might leave them. */
const linesOf = (count: number): Line[] =>
  Array.from({ length: count }, (_, index) => ({ seq: 3 * index + 3, text: listed(hashOf(3 * index + 3), NOTHING) }));

function listingOf(lines: readonly Line[]): Listing {
  const listing = createListing();
  for (const { seq, text } of lines) listing.add(seq, text);
  return listing.summary();
}

test('says what a shell says', () => {
  const listing = listingOf(linesOf(700));
  const hashes = linesOf(700).map(({ seq }) => `${hashOf(seq)}\n`);
  expect(listing).toMatchObject({ count: 700, first: 3, last: { seq: 2_100, hash: hashOf(2_100) } });
  expect(listing.events).toBe(createHash('sha256').update(hashes.join('')).digest('base64url'));
  expect(listed(hashOf(1), { ...NOTHING, actorEmail: 'a"b' })).toBe(`["${hashOf(1)}",false,"a\\"b",null]\n`);
});

test.each([0, 1, 255, 256, 257, 511, 512, 513, 1_025, 5_000])('has at most 256 marks, of %i lines too', (count) => {
  const { marks } = listingOf(linesOf(count));
  expect(marks.length).toBeLessThanOrEqual(256);
  expect(marks.length).toBeGreaterThanOrEqual(Math.min(count, 128));
  expect(partingOf(listingOf(linesOf(count)), listingOf(linesOf(count)))).toBeNull();
});

describe.each([1, 2, 11, 256])('of %i lines names', (count) => {
  const lines = linesOf(count);
  const was = listingOf(lines);

  test.each(lines.map(({ seq }) => seq).filter((seq) => seq < 40 || seq % 60 === 0))('event %i, which is', (seq) => {
    const at = seq / 3 - 1;
    const without = listingOf(lines.toSpliced(at, 1));
    expect(partingOf(was, without)).toEqual({ seq, problem: `event ${seq} is missing` });
    const added = { seq: seq + 1, text: listed(hashOf(seq + 1), NOTHING) };
    expect(partingOf(was, listingOf(lines.toSpliced(at + 1, 0, added)))).toMatchObject({
      seq: count < 256 ? seq + 1 : expect.any(Number),
    });
    for (const text of [listed(hashOf(0), NOTHING), listed(hashOf(seq), { ...NOTHING, subjectEmail: 'x@example.org' })])
      expect(partingOf(was, listingOf(lines.with(at, { seq, text })))).toMatchObject({
        seq,
        problem: expect.stringContaining('is not as it was exported'),
      });
  });
});

test.each([257, 1_000, 5_000])('names the stretch in %i lines', (count) => {
  const lines = linesOf(count);
  const was = listingOf(lines);
  for (const at of [0, 1, 200, count - 1]) {
    const seq = lines[at]?.seq ?? 0;
    for (const changed of [lines.toSpliced(at, 1), lines.with(at, { seq, text: listed(hashOf(0), NOTHING) })]) {
      const found = partingOf(was, listingOf(changed));
      const [, from = 0, to = Number.POSITIVE_INFINITY] = (
        /from event (\d+) to event (\d+)/.exec(found?.problem ?? '') ?? [
          '',
          /after event (\d+)/.exec(found?.problem ?? '')?.[1],
        ]
      ).map(Number);
      expect(from).toBeLessThanOrEqual(seq);
      expect(to).toBeGreaterThanOrEqual(seq);
    }
  }
});
