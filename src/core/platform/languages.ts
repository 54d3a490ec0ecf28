// The languages that Holdfast has texts in.

export const LANGUAGES = ['en', 'de'] as const;

export type Language = (typeof LANGUAGES)[number];

/** Null for any other language: a newer version may have written it. */
export function readLanguage(text: string | null): Language | null {
  return LANGUAGES.find((language) => language === text) ?? null;
}
