// Why a log-in was unusual for its person, each reason in a sentence.
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import { countryName } from '../../../core/places/country-names.ts';
import { readPlace, type Usual } from '../../../core/places/place.ts';
import { type Mark, readMarks } from '../../../core/unusual/marks.ts';
import { en } from '../../texts/en.ts';

/** Empty where nothing was. What was usual is personal: it is gone with the account, the mark stays. */
export function unusualReasons({ detail, place }: Pick<SealedEvent, 'detail' | 'place'>): string[] {
  const usual = readPlace(place ?? null)?.usual ?? {};
  return readMarks(detail['unusual']).map((mark) => {
    const why = REASONS[mark](usual);
    return why === null ? en.places.marks[mark] : `${en.places.marks[mark]}: ${why}`;
  });
}

const named = (country: string) => countryName(country, 'en');
const until = (list: readonly unknown[] = []) => (list.length > 0 ? `until then ${list.join(', ')}` : null);

const REASONS: Readonly<Record<Mark, (usual: Usual) => string | null>> = {
  country: ({ countries }) => until(countries?.map(named)),
  network: ({ networks }) => until(networks?.map((network) => `AS${network}`)),
  browser: ({ browsers }) => until(browsers?.map((name) => name || 'an unknown browser')),
  hour: ({ hours }) => (hours ? `until then ${spans(hours)} UTC` : null),
  speed: ({ from, km, minutes }) =>
    from === undefined || km === undefined || minutes === undefined
      ? null
      : `at least ${km.toLocaleString('en')} km from ${named(from)} in ${minutes.toLocaleString('en')} minutes`,
};

/** "7–19" for the hours 7 to 18. */
function spans(hours: readonly number[]): string {
  const starts = hours.filter((hour) => !hours.includes(hour - 1));
  return starts
    .map((start) => {
      let end = start + 1;
      while (hours.includes(end)) end += 1;
      return `${start}–${end}`;
    })
    .join(', ');
}
