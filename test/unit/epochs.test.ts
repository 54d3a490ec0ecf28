// In which history of PostgreSQL something was said, and what counts no more.
import { expect, test } from '@jest/globals';
import { isOlder } from '../../src/core/platform/postgres/epoch.ts';
import { createEpochs, StaleDatabaseError } from '../../src/core/sessions/failover/epochs.ts';

const told = (timeline: string | null, lineage: string | null = 'aaaaaaaa') => ({ timeline, lineage });

test('timelines are compared as numbers, and only within a lineage', () => {
  expect(isOlder('9.aaaaaaaa', 'a.aaaaaaaa')).toBe(true);
  expect(isOlder('ff.aaaaaaaa', '100.aaaaaaaa')).toBe(true);
  expect(isOlder('2.aaaaaaaa', '2.aaaaaaaa')).toBe(false);
  expect(isOlder('1.aaaaaaaa', '2.bbbbbbbb')).toBe(false);
});

test('a PostgreSQL of an older timeline is refused, one of another lineage is taken', () => {
  const epochs = createEpochs();
  expect(epochs.hear(told('00000001'))).toBe('1.aaaaaaaa');
  expect(epochs.hear(told('0000000A'))).toBe('a.aaaaaaaa');
  expect(() => epochs.hear(told('00000009'))).toThrow(StaleDatabaseError);
  expect(() => epochs.of('00000001')).toThrow(StaleDatabaseError);
  expect(epochs.newest()).toBe('a.aaaaaaaa');
  expect(epochs.hear(told('00000001', 'bbbbbbbb'))).toBe('1.bbbbbbbb');
});

test('Redis tells of a newer one, never of an older or a foreign one', () => {
  const epochs = createEpochs();
  expect(epochs.meet('2.aaaaaaaa')).toBe(false); // before PostgreSQL has said anything
  epochs.hear(told('00000002'));
  expect([epochs.meet('1.aaaaaaaa'), epochs.meet('2.aaaaaaaa'), epochs.meet('9.bbbbbbbb')]).toEqual([
    false,
    false,
    false,
  ]);
  expect(epochs.meet('3.aaaaaaaa')).toBe(true);
  expect(epochs.newest()).toBe('3.aaaaaaaa');
  expect(() => epochs.hear(told('00000002'))).toThrow(StaleDatabaseError);
  expect([epochs.holds('3.aaaaaaaa'), epochs.holds('2.aaaaaaaa'), epochs.holds(null)]).toEqual([true, false, false]);
});

test('where PostgreSQL tells no timeline, everything holds', () => {
  const epochs = createEpochs();
  expect(epochs.hear(told(null))).toBeNull();
  expect([epochs.holds('3.aaaaaaaa'), epochs.holds(null), epochs.of(null)]).toEqual([true, true, null]);
});
