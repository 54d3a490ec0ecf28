// The few forms that a sentence takes beside plain text and a function: one with a link in it, and one that counts.

/** A sentence around a link: the page puts the link there. */
export interface Linked {
  readonly before: string;
  readonly link: string;
  readonly after: string;
}

/** "New here? [Create an account]": what stands in brackets becomes the link. */
export function linked(sentence: string): Linked {
  const [before, link, after] = sentence.split(/[[\]]/);
  if (before === undefined || link === undefined || after === undefined) throw new Error(`no link in: ${sentence}`);
  return { before, link, after };
}

/** Sentences for each grammatical number of a language; `#` becomes the number as it is written there. */
export function counting(locale: string) {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (forms: Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }) =>
    (count: number): string =>
      (forms[rules.select(count)] ?? forms.other).replace('#', numbers.format(count));
}
