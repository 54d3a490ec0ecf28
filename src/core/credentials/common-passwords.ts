// Some 49,000 of the most common passwords. Imported when the first password is chosen, because the
// list is several megabytes.
import { dictionary } from '@zxcvbn-ts/language-common';

const common: ReadonlySet<string> = new Set(dictionary['passwords-common'].map(String));

export function isCommon(lower: string): boolean {
  return common.has(lower);
}
