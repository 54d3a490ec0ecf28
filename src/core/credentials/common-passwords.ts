// The most common passwords, some 49,000 of them. Imported when the first password is chosen: the list is several megabytes,
// which processes that only answer pages do without.
import { dictionary } from '@zxcvbn-ts/language-common';

const common: ReadonlySet<string> = new Set(dictionary['passwords-common'].map(String));

/** Whether a password, in lower case, is among them. */
export function isCommon(lower: string): boolean {
  return common.has(lower);
}
