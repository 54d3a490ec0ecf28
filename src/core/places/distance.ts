// How far two places are apart at least. Of a place without a city only its country is known, which is taken for a disc: two
// countries that lie beside each other are no distance apart.
import { COUNTRY_DISCS } from './country-discs.ts';
import type { Place } from './place.ts';

const EARTH_KM = 6_371;
/** A city's coordinates are a guess too. */
const CITY_KM = 100;

interface Disc {
  readonly point: readonly [number, number];
  readonly km: number;
}

/** In kilometres; null where it is not known. Within a country only cities are apart. */
export function leastDistanceKm(one: Place, other: Place): number | null {
  if (one.country === other.country && !(one.point && other.point)) return null;
  const [from, to] = [discOf(one), discOf(other)];
  return from && to ? Math.max(0, Math.round(greatCircleKm(from.point, to.point) - from.km - to.km)) : null;
}

function discOf({ country, point }: Place): Disc | null {
  if (point) return { point, km: CITY_KM };
  const disc = country === undefined ? undefined : COUNTRY_DISCS.get(country);
  return disc === undefined ? null : { point: [disc[0], disc[1]], km: disc[2] };
}

function greatCircleKm([lat1, lon1]: Disc['point'], [lat2, lon2]: Disc['point']): number {
  const rad = Math.PI / 180;
  const a =
    Math.sin(((lat2 - lat1) * rad) / 2) ** 2 +
    Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}
