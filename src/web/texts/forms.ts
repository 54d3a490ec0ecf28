// Sentences with a link, and sentences that count.

export interface Linked {
  readonly before: string;
  readonly link: string;
  readonly after: string;
}

/** "New here? [Create an account]": the brackets become the link. */
export function linked(sentence: string): Linked {
  const [before, link, after] = sentence.split(/[[\]]/);
  if (before === undefined || link === undefined || after === undefined) throw new Error(`no link in: ${sentence}`);
  return { before, link, after };
}

/** A sentence for each plural form; `#` becomes the number. */
export function counting(locale: string) {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (forms: Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }) =>
    (count: number): string =>
      (forms[rules.select(count)] ?? forms.other).replace('#', numbers.format(count));
}
