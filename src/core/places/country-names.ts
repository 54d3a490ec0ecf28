// The names of countries, in the languages that Node knows.

const names = new Map<string, Intl.DisplayNames>();

/** "Portugal" for PT, in the language of `locale`; the code itself where there is no name for it. */
export function countryName(country: string, locale: string): string {
  const known = names.get(locale) ?? new Intl.DisplayNames(locale, { type: 'region' });
  names.set(locale, known);
  try {
    return known.of(country) ?? country;
  } catch {
    return country; // no code of a country
  }
}
