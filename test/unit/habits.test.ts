// What is unusual for somebody, by their earlier log-ins: each rule, and what must not be marked.
import { describe, expect, test } from '@jest/globals';
import { leastDistanceKm } from '../../src/core/places/distance.ts';
import type { Place } from '../../src/core/places/place.ts';
import { type Habits, learn, NO_HABITS, readHabits } from '../../src/core/unusual/habits.ts';
import { whatIsUnusual } from '../../src/core/unusual/marks.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-10-01T09:00:00Z');

const LISBON: Place = { country: 'PT', network: 3243, city: 'Lisbon', point: [38.72, -9.14] };
const PORTO: Place = { country: 'PT', network: 3243, city: 'Porto', point: [41.15, -8.61] };
const PORTUGAL: Place = { country: 'PT', network: 3243 };
const SPAIN: Place = { country: 'ES', network: 3352 };
const JAPAN: Place = { country: 'JP', network: 2516 };
const NOWHERE: Place = {};

const at = (ms: number, place: Place, browser = 'Firefox') => ({ at: new Date(START + ms), place, browser });
const learnt = (...logins: ReturnType<typeof at>[]): Habits => logins.reduce(learn, NO_HABITS);
const marks = (habits: Habits, login: ReturnType<typeof at>) => whatIsUnusual(habits, login).marks;

test('nothing about the first log-in is unusual, and nothing about one like those before', () => {
  expect(marks(NO_HABITS, at(0, JAPAN, 'curl'))).toEqual([]);
  expect(marks(learnt(at(0, PORTUGAL)), at(DAY, PORTUGAL))).toEqual([]);
});

test('a new country, network and kind of browser are marked once, with what was usual', () => {
  const habits = learnt(at(0, PORTUGAL), at(DAY, PORTUGAL), at(2 * DAY, SPAIN));
  const login = at(4 * DAY, JAPAN, 'Chrome');
  expect(whatIsUnusual(habits, login)).toEqual({
    marks: ['country', 'network', 'browser'],
    usual: { countries: ['PT', 'ES'], networks: [3243, 3352], browsers: ['Firefox'] },
  });
  expect(marks(learn(habits, login), at(8 * DAY, JAPAN, 'Chrome'))).toEqual([]);
});

test('what no earlier log-in tells can’t be new: of places no file knew', () => {
  const habits = learnt(at(0, NOWHERE), at(DAY, NOWHERE));
  expect(marks(habits, at(2 * DAY, JAPAN))).toEqual([]);
  expect(marks(learnt(at(0, PORTUGAL)), at(HOUR, NOWHERE))).toEqual([]);
});

describe('hours', () => {
  const office = (days: number) =>
    learnt(
      ...Array.from({ length: days * 2 }, (_, index) =>
        at(Math.floor(index / 2) * DAY + (index % 2) * 6 * HOUR, PORTUGAL),
      ),
    );

  test('are judged after twenty log-ins on ten days, and two hours beside a usual one are usual', () => {
    const night = at(30 * DAY + 17 * HOUR, PORTUGAL); // two in the morning; 9 and 15 o'clock are usual
    expect(marks(office(9), night)).toEqual([]);
    expect(whatIsUnusual(office(10), night)).toEqual({ marks: ['hour'], usual: { hours: [9, 15] } });
    for (const hour of [-2, 2, 4, 6, 8]) expect(marks(office(10), at(30 * DAY + hour * HOUR, PORTUGAL))).toEqual([]);
    expect(marks(office(10), at(30 * DAY + 9 * HOUR, PORTUGAL))).toEqual(['hour']);
  });

  test('of many years stay a small row', () => {
    let habits = NO_HABITS;
    for (let day = 0; day < 3_000; day += 1)
      habits = learn(habits, at(day * DAY, { country: 'PT', network: 1 + (day % 500) }, `Browser ${day}`));
    expect(JSON.stringify(habits).length).toBeLessThan(4_000);
    expect(Object.keys(habits.networks)).toHaveLength(30);
    expect(Math.max(...habits.hours)).toBeLessThanOrEqual(401);
  });
});

describe('speed', () => {
  const reasons = (from: Place, to: Place, ms: number) => whatIsUnusual(learnt(at(0, from)), at(ms, to)).usual;

  test('faster than a plane is marked, with the distance at least and the time', () => {
    const usual = reasons(PORTUGAL, JAPAN, HOUR);
    expect(usual).toMatchObject({ from: 'PT', minutes: 60 });
    expect(usual.km).toBeGreaterThan(7_000);
    expect(marks(learnt(at(0, PORTUGAL)), at(HOUR, JAPAN))).toContain('speed');
    expect(marks(learnt(at(0, PORTUGAL)), at(-HOUR, JAPAN))).toContain('speed'); // sealed in another order
    expect(marks(learnt(at(0, PORTUGAL)), at(16 * HOUR, JAPAN))).not.toContain('speed');
  });

  test('countries beside each other are no distance apart, nor are two guesses within one', () => {
    expect(marks(learnt(at(0, PORTUGAL)), at(60_000, SPAIN))).toEqual(['country', 'network']);
    for (const [one, other] of [
      ['CA', 'US'],
      ['RU', 'JP'],
      ['FR', 'DE'],
      ['CN', 'VN'],
      ['GB', 'IE'],
      ['US', 'MX'],
    ] as const)
      expect([one, other, leastDistanceKm({ country: one }, { country: other })]).toEqual([one, other, 0]);
    expect(leastDistanceKm(PORTUGAL, PORTUGAL)).toBeNull();
    expect(marks(learnt(at(0, LISBON)), at(60_000, PORTO))).toEqual([]);
  });

  test('by the cities where the file knows them', () => {
    expect(leastDistanceKm(LISBON, PORTO)).toBeLessThan(200);
    const newYork: Place = { country: 'US', city: 'New York', point: [40.71, -74.01] };
    const losAngeles: Place = { country: 'US', city: 'Los Angeles', point: [34.05, -118.24] };
    expect(leastDistanceKm(newYork, losAngeles)).toBeGreaterThan(3_600);
    expect(marks(learnt(at(0, newYork)), at(HOUR, losAngeles))).toEqual(['speed']);
    expect(marks(learnt(at(0, newYork)), at(6 * HOUR, losAngeles))).toEqual([]);
  });

  test('who is here and there on many days, as by a VPN, is not marked for it', () => {
    const days = [0, 1, 2].flatMap((day) => [at(day * DAY, PORTUGAL), at(day * DAY + HOUR, JAPAN)]);
    expect(marks(learnt(...days), at(3 * DAY, PORTUGAL))).toEqual([]);
    expect(marks(learnt(...days, at(3 * DAY, PORTUGAL)), at(3 * DAY + HOUR, JAPAN))).toEqual([]);
  });
});

test('a row is read whichever version wrote it, and one that makes no sense is none', () => {
  const habits = learnt(at(0, LISBON), at(DAY, JAPAN));
  const kept: unknown = JSON.parse(JSON.stringify({ ...habits, later: { version: 2 } }));
  expect(readHabits(kept)).toEqual({ ...habits, later: { version: 2 } });
  expect(learn(readHabits(kept) as Habits, at(2 * DAY, JAPAN))).toHaveProperty('later');
  for (const odd of [null, 'text', [], {}, { logins: -1, hours: habits.hours }, { logins: 1, hours: [1] }])
    expect(readHabits(odd)).toBeNull();
  const damaged = readHabits({ ...habits, countries: { PT: 'often' }, last: { at: 'never', country: 'PT' }, days: 7 });
  expect(damaged).toMatchObject({ countries: {}, last: null, days: null });
});
