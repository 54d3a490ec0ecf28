// Several types of event at once, wanted or not: as an address has them ("authn_login_fail,sessions"),
// each a type or a whole group.
import { TYPE_GROUPS } from '../words/event-titles.ts';

const TYPES_OF = new Map<string, readonly string[]>([
  ...TYPE_GROUPS.map(({ group, types }) => [group, types.map(({ name }) => name)] as const),
  ...TYPE_GROUPS.flatMap(({ types }) => types.map(({ name }) => [name, [name]] as const)),
]);

/** The names in it, each once. */
export function namesIn(asked: string): string[] {
  return [...new Set(asked.split(',').map((name) => name.trim()))].filter((name) => name !== '');
}

/** The types that the names stand for; null where one of them is none, or there is no name. */
export function typesOf(asked: string): readonly string[] | null {
  const found = namesIn(asked).map((name) => TYPES_OF.get(name));
  return found.length === 0 || found.includes(undefined) ? null : [...new Set(found.flatMap((types) => types ?? []))];
}

/** The names without one of them. */
export function without(asked: string, name: string): string {
  return namesIn(asked)
    .filter((one) => one !== name)
    .join(',');
}

export interface TypeFilter {
  readonly types: readonly string[] | null;
  readonly notTypes: readonly string[] | null;
}

/** What is wanted less what is not; `types` is empty where nothing is left. */
export function typeFilter(wanted: readonly string[] | null, not: readonly string[] | null): TypeFilter {
  if (wanted === null || not === null) return { types: wanted, notTypes: not };
  return { types: wanted.filter((type) => !not.includes(type)), notTypes: null };
}
