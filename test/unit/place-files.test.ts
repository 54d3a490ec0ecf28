// Files of places: away, broken, replaced, damaged inside. What was read is used on, each fault is one warning, and no address
// breaks anything.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import { mmdb } from '../../harness/mmdb.ts';
import { COUNTRIES, LISBON, NETWORKS, PARIS_6, PORTO, TOKYO } from '../../harness/places.ts';
import { until } from '../../harness/until.ts';
import { createPlaces } from '../../src/core/places/places.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-files-'));
afterAll(() => rm(folder, { recursive: true }));
const networks = path.join(folder, 'networks.mmdb');
await writeFile(networks, NETWORKS);

const warn = jest.fn();
const info = jest.fn();
const log = { warn, info } as unknown as Parameters<typeof createPlaces>[0]['log'];
beforeEach(() => {
  warn.mockClear();
  info.mockClear();
});
const file = path.join(folder, 'replaced.mmdb');
const countryOf = async (places: ReturnType<typeof createPlaces>, ip = LISBON) => {
  await places.refresh();
  return places.find(ip).country;
};

test('a file that is missing is one warning, and is read when it comes; one that replaces it too', async () => {
  const places = createPlaces({ files: [file], log });
  expect([await countryOf(places), await countryOf(places, TOKYO)]).toEqual([undefined, undefined]);
  await writeFile(file, COUNTRIES);
  await until(async () => (await countryOf(places)) === 'PT');
  await writeFile(`${file}.new`, mmdb([['81.193.0.0/16', { country: { iso_code: 'ES' } }]]));
  await rename(`${file}.new`, file);
  await until(async () => (await countryOf(places)) === 'ES');
  expect(await countryOf(places, TOKYO)).toBeUndefined();
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn).toHaveBeenCalledWith({ file, problem: 'ENOENT' }, expect.stringContaining('nobody’s place'));
});

test('a file that breaks or goes away leaves what was read, with one warning', async () => {
  await writeFile(file, COUNTRIES);
  const places = createPlaces({ files: [file], log });
  expect(await countryOf(places)).toBe('PT');
  await writeFile(file, COUNTRIES.subarray(0, 200));
  await until(async () => (await countryOf(places)) === 'PT' && warn.mock.calls.length === 1);
  expect(warn).toHaveBeenLastCalledWith(expect.objectContaining({ file }), expect.stringContaining('the one before'));
  await rm(file);
  await until(async () => (await countryOf(places)) === 'PT' && warn.mock.calls.length === 2);
  await writeFile(file, mmdb([['81.193.0.0/16', { country: { iso_code: 'ES' } }]]));
  await until(async () => (await countryOf(places)) === 'ES' && info.mock.calls.length === 1);
});

test('a file that does not answer, as on a share that is gone, is waited for once', async () => {
  const silent = path.join(folder, 'silent.mmdb');
  execFileSync('mkfifo', [silent]); // opening it waits for somebody who writes
  const places = createPlaces({ files: [networks, silent], log });
  expect(await countryOf(places)).toBeUndefined();
  expect(places.find(LISBON).network).toBeDefined();
  expect(warn.mock.calls).toEqual([[{ files: [networks, silent] }, expect.stringContaining('don’t answer')]]);
  const before = performance.now();
  await Promise.all([places.refresh(), places.refresh()]);
  expect(performance.now() - before).toBeLessThan(500);
  expect(warn).toHaveBeenCalledTimes(1);
  await writeFile(silent, COUNTRIES);
  await until(async () => (await countryOf(places)) === 'PT');
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('<html>a page instead of a file</html>')],
  ['its first half', COUNTRIES.subarray(0, COUNTRIES.length / 2)],
  ['its second half', COUNTRIES.subarray(COUNTRIES.length / 2)],
  ['random bytes', Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 251))],
])('a file of %s has no places and breaks nothing', async (_, bytes) => {
  await writeFile(file, bytes);
  const places = createPlaces({ files: [file, networks], log });
  await places.refresh();
  expect(places.find(LISBON)).toEqual({ network: 3_243, owner: 'Meo' });
  expect(warn).toHaveBeenCalledTimes(1);
});

test('a file whose inside is damaged says so once, and its addresses have no place', async () => {
  const damaged = Buffer.from(COUNTRIES);
  damaged.fill(0xff, damaged.indexOf('iso_code') - 10, damaged.indexOf('iso_code') + 30);
  await writeFile(file, damaged);
  const places = createPlaces({ files: [file, networks], log });
  await places.refresh();
  for (const ip of [LISBON, PORTO, TOKYO, 'no address', '::1']) expect(() => places.find(ip)).not.toThrow();
  expect(places.find(LISBON).network).toBe(3_243);
});

test('addresses that are not of the open internet have no place, and IPv4 written as IPv6 is IPv4', async () => {
  await writeFile(
    file,
    mmdb([
      ['::/1', { country_code: 'PT' }],
      ['8000::/1', { country_code: 'ES' }],
    ]),
  );
  const places = createPlaces({ files: [file], log });
  await places.refresh();
  for (const ip of ['10.0.0.1', '192.168.1.1', '127.0.0.1', '169.254.1.1', '100.64.0.1', '0.0.0.0', '255.255.255.255'])
    expect([ip, places.find(ip)]).toEqual([ip, {}]);
  for (const ip of ['::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1', '2001:db8::1', '', 'x', '1.2.3'])
    expect([ip, places.find(ip)]).toEqual([ip, {}]);
  expect(places.find(null)).toEqual({});
  for (const ip of [LISBON, `::ffff:${LISBON}`, PARIS_6]) expect([ip, places.find(ip).country]).toEqual([ip, 'PT']);
});

test('of several files the first that knows a part has it', async () => {
  await writeFile(
    file,
    mmdb([['81.193.0.0/24', { country_code: 'ES', city: 'Vigo', latitude: '42.2', longitude: '-8.7' }]]),
  );
  const other = path.join(folder, 'other.mmdb');
  await writeFile(other, COUNTRIES);
  const places = createPlaces({ files: [file, other, networks], log });
  await places.refresh();
  const meo = { network: 3_243, owner: 'Meo' };
  expect(places.find('81.193.0.9')).toEqual({ country: 'ES', city: 'Vigo', point: [42.2, -8.7], ...meo });
  expect(places.find(LISBON)).toEqual({ country: 'PT', city: 'Lisbon', point: [38.72, -9.14], ...meo });
});

test('no word of a file is taken for more than it is', async () => {
  const odd = {
    country_code: 'portugal',
    city: 'A\u0000B\n'.repeat(60),
    latitude: 'north',
    longitude: '',
    autonomous_system_number: 0,
  };
  await writeFile(file, mmdb([['81.193.0.0/16', odd]]));
  const places = createPlaces({ files: [file], log });
  await places.refresh();
  const { city, ...rest } = places.find(LISBON);
  expect(rest).toEqual({});
  expect(city).toMatch(/^[AB ]{100}$/);
});
