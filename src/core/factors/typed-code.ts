// A code as it was meant: on its way through word processors, messengers and keyboards it gets other dashes and spaces, marks
// that nobody sees, and digits as wide as letters.

/** No code is longer. */
const MOST_CHARACTERS = 300;

/** Of what is longer, its beginning: no code either. */
export function plainCode(typed: string): string {
  return typed
    .slice(0, MOST_CHARACTERS)
    .normalize('NFKC')
    .replaceAll(/[\s\p{Dash_Punctuation}\p{Format}\u2212]/gu, '');
}
