// The languages that people are spoken to in.

/** The languages that there are texts in. */
export const LANGUAGES = ['en', 'de'] as const;

export type Language = (typeof LANGUAGES)[number];

/** A language that there are texts in, or null: what a newer version wrote, or somebody made up. */
export function readLanguage(text: string | null): Language | null {
  return LANGUAGES.find((language) => language === text) ?? null;
}
