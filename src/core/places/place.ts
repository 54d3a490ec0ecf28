// Where an address may be, and whose network it is: a guess of a file, never a fact.
import canonicalize from 'canonicalize';

/** What a file says of an address. Parts that it does not know are missing. */
export interface Place {
  /** ISO 3166-1, two capital letters. */
  readonly country?: string;
  readonly city?: string;
  /** Of the city: latitude and longitude in degrees. Not kept with events. */
  readonly point?: readonly [number, number];
  /** The number of the network (ASN). */
  readonly network?: number;
  /** Whose network that is. */
  readonly owner?: string;
}

/** What was usual for somebody when something unusual was seen: the reasons of the marks. */
export interface Usual {
  readonly countries?: readonly string[];
  readonly networks?: readonly number[];
  readonly browsers?: readonly string[];
  /** Hours of the day in UTC. */
  readonly hours?: readonly number[];
  /** The country of the log-in before, how far away it is at least, and how long ago it was. */
  readonly from?: string;
  readonly km?: number;
  readonly minutes?: number;
}

/** As it is kept with an event, in its personal part. */
export type KeptPlace = Omit<Place, 'point'> & { readonly usual?: Usual };

/** The text that is kept and hashed (RFC 8785); null if nothing is known. */
export function placeText(place: KeptPlace): string | null {
  return Object.keys(place).length > 0 ? (canonicalize(place) ?? null) : null;
}

/** Reads what was kept, whichever version wrote it. */
export function readPlace(text: string | null): KeptPlace | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (!(value instanceof Object)) return null;
    const { country, city, network, owner, usual } = value as Readonly<Record<string, unknown>>;
    return {
      ...(isCountry(country) ? { country } : {}),
      ...(typeof city === 'string' ? { city } : {}),
      ...(isNetwork(network) ? { network } : {}),
      ...(typeof owner === 'string' ? { owner } : {}),
      ...(usual instanceof Object ? { usual: readUsual(usual as Readonly<Record<string, unknown>>) } : {}),
    };
  } catch {
    return null;
  }
}

export const isCountry = (value: unknown): value is string => typeof value === 'string' && /^[A-Z]{2}$/.test(value);

export const isNetwork = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 32;

function readUsual({ countries, networks, browsers, hours, from, km, minutes }: Readonly<Record<string, unknown>>) {
  const every = <T>(name: string, list: unknown, fits: (value: unknown) => value is T) =>
    Array.isArray(list) ? { [name]: list.filter(fits) } : {};
  const isText = (value: unknown): value is string => typeof value === 'string';
  const isWhole = (value: unknown): value is number => Number.isInteger(value);
  return {
    ...every('countries', countries, isCountry),
    ...every('networks', networks, isNetwork),
    ...every('browsers', browsers, isText),
    ...every('hours', hours, isWhole),
    ...(isCountry(from) ? { from } : {}),
    ...(isWhole(km) ? { km } : {}),
    ...(isWhole(minutes) ? { minutes } : {}),
  } satisfies Usual;
}
