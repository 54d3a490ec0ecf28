// How other systems write what a person's fields hold.

export type Fields = Readonly<Record<string, unknown>>;

/** The first that is not empty. */
export function firstOf(...values: readonly unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null && value !== '');
}

/** An object's fields; of anything else none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Milliseconds since 1970, as a number or its digits. Anything else is left for the check of the field. */
export function momentOf(value: unknown): unknown {
  const ms =
    typeof value === 'number' || (typeof value === 'string' && /^\d{1,15}$/.test(value)) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : value;
}

/** The name of a group here: other systems allow spaces, slashes and letters of every kind. */
export function groupNameOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const plain = value.normalize('NFKD').replace(/\p{M}/gu, '');
  return plain
    .replace(/[^A-Za-z0-9_]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
}
