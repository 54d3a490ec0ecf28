// The names of groups: what applications are told, in a header, a claim and their own settings.

const MOST_CHARACTERS = 64;

/** Null for what is no name: letters without accents, digits, `-` and `_`, 64 of them at most. */
export function readGroupName(text: string): string | null {
  const name = text.trim();
  return /^[A-Za-z0-9_-]+$/.test(name) && name.length <= MOST_CHARACTERS ? name : null;
}

/** What is compared: two names that differ in capitals alone are one. */
export function groupKey(name: string): string {
  return name.toLowerCase();
}

/** What is said of a text that {@link readGroupName} refuses. */
export const GROUP_NAME_RULE = 'Use letters without accents, digits, - and _, at most 64 of them.';
