// A code as it was meant: on its way through word processors, messengers and keyboards it gets other dashes and spaces, marks
// that nobody sees, and digits as wide as letters.

export function plainCode(typed: string): string {
  return typed.normalize('NFKC').replaceAll(/[\s\p{Dash_Punctuation}\p{Format}\u2212]/gu, '');
}
