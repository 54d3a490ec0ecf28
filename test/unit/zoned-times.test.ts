// Moments of the console: in one zone a page, in rows as clocks say them, and read back as they were typed.

import { readZone } from '../../src/web/texts/zone.ts';
import { offsetMs, offsetName, readLocal, timesIn } from '../../src/web/texts/zoned-times.ts';

const now = new Date('2026-11-23T19:07:00Z');
const at = (iso: string) => new Date(iso);

describe('a row', () => {
  const utc = timesIn('UTC', now);
  it.each([
    ['2026-11-23T19:02:10Z', '19:02:10', '4 minutes ago'],
    ['2026-11-22T05:00:01Z', '22 Nov, 05:00:01', '22 Nov 2026, 05:00:01'],
    ['2025-11-22T05:00:01Z', '22 Nov 2025, 05:00:01', '22 Nov 2025, 05:00:01'],
    ['2026-11-23T19:30:00Z', '19:30:00', 'in 23 minutes'],
  ])('%s says a clock’s time, and how long ago on hover', (iso, text, title) => {
    expect(utc.clock(at(iso))).toMatchObject({ text, title, iso: at(iso).toISOString(), isClock: true });
  });

  it('is of the day that it is in the zone of the page', () => {
    expect(timesIn('Asia/Tokyo', now).clock(at('2026-11-23T16:00:00Z')).text).toBe('01:00:00');
    expect(timesIn('Asia/Tokyo', now).clock(at('2026-11-23T14:00:00Z')).text).toBe('23 Nov, 23:00:00');
  });
});

it('a sentence says how long ago, and later the day, without the zone that the page names', () => {
  const lisbon = timesIn('Europe/Lisbon', at('2026-07-23T19:07:00Z'));
  expect(lisbon.prose(at('2026-07-23T19:03:00Z'))).toMatchObject({
    text: '4 minutes ago',
    title: '23 Jul 2026, 20:03:00',
  });
  expect(lisbon.prose(at('2026-07-23T03:10:00Z')).text).toBe('today at 04:10');
  expect(lisbon.prose(at('2026-07-21T23:30:00Z')).text).toBe('yesterday at 00:30');
  expect(lisbon.prose(at('2026-07-20T19:07:00Z')).text).toBe('20 Jul 2026, 20:07');
});

describe('a moment typed by a clock of the zone', () => {
  it.each([
    ['2026-11-24T09:00', 'UTC', '2026-11-24T09:00:00.000Z'],
    ['2026-07-24T09:00', 'Europe/Lisbon', '2026-07-24T08:00:00.000Z'],
    ['2026-11-24T09:00:30.5', 'Asia/Kolkata', '2026-11-24T03:30:30.500Z'],
    ['2026-11-24T09:00', 'America/St_Johns', '2026-11-24T12:30:00.000Z'],
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'], // twice: the first
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'], // never: after the jump
    ['0001-01-01T12:00', 'UTC', '0001-01-01T12:00:00.000Z'],
  ])('%s in %s', (typed, zone, iso) => expect(readLocal(typed, zone)?.toISOString()).toBe(iso));

  it.each(['2026-02-30T09:00', '2026-11-24T25:00', '2026-11-24', 'yesterday', ''])('%p is none', (typed) =>
    expect(readLocal(typed, 'Europe/Berlin')).toBeNull(),
  );

  it('is what the field shows again', () => {
    for (const zone of ['UTC', 'Europe/Lisbon', 'Asia/Kolkata', 'Pacific/Auckland']) {
      const times = timesIn(zone, now);
      for (const iso of ['2026-07-24T09:00:00Z', '2026-11-24T23:45:30Z', '1999-01-01T00:00:00.250Z']) {
        expect(readLocal(times.field(at(iso)), zone)).toEqual(at(iso));
      }
    }
  });
});

it.each([
  ['UTC', 'UTC'],
  ['Europe/Lisbon', 'Europe/Lisbon'],
  ['Nowhere/Atall', null],
  ['+01:00', null],
  ['', null],
  ['<b>', null],
  ['constructor', null],
  [`A${'a'.repeat(100)}`, null],
])('%p is the zone %p', (name, zone) => expect(readZone(name)).toBe(zone));

it('names how far a zone is ahead', () => {
  expect(['UTC', 'Europe/Lisbon', 'Asia/Kolkata', 'America/St_Johns'].map((zone) => offsetName(now, zone))).toEqual([
    'UTC',
    'UTC',
    'UTC+5:30',
    'UTC−3:30',
  ]);
  expect(offsetMs(at('2026-07-01T00:00:00Z'), 'Europe/Berlin')).toBe(7_200_000);
});
