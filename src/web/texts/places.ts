// Where a log-in came from and what was unusual about it, in words. A place is always said to be a guess.
import { countryName } from '../../core/places/country-names.ts';
import type { KeptPlace } from '../../core/places/place.ts';
import { readMarks } from '../../core/unusual/marks.ts';
import { en, type Texts } from './en.ts';

/** "Lisbon, Portugal"; null where neither is known. */
export function placeName({ city, country }: KeptPlace, locale: string): string | null {
  const parts = [city, country === undefined ? undefined : countryName(country, locale)];
  return parts.filter((part) => part !== undefined).join(', ') || null;
}

/** "Vodafone (AS3209)"; null where it is not known. */
export function networkName({ network, owner }: KeptPlace): string | null {
  if (network === undefined) return null;
  return owner === undefined ? `AS${network}` : `${owner} (AS${network})`;
}

/** "probably Lisbon, Portugal, network of Vodafone (AS3209)"; null where nothing is known. */
export function whereabouts(place: KeptPlace | null, { locale, places }: Texts = en): string | null {
  if (place === null) return null;
  const [where, network] = [placeName(place, locale), networkName(place)];
  const parts = [where === null ? null : places.probably(where), network === null ? null : places.network(network)];
  return parts.filter((part) => part !== null).join(', ') || null;
}

/** "new country, new network"; null for none. */
export function marksInWords(kept: unknown, { places }: Texts = en): string | null {
  const marks = readMarks(kept).map((mark) => places.marks[mark]);
  return marks.length > 0 ? marks.join(', ') : null;
}
