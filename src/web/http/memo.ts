// Remembers results by key, so that what requests need again and again is worked out once.
import QuickLRU from 'quick-lru';

interface MemoOptions<K, V> {
  /** How many results are kept, those last asked for; without it every one. */
  readonly most?: number;
  /** Whether a result is kept, where a client may make up keys. */
  readonly keeps?: (key: K, value: V) => boolean;
}

/** `make` with a memory. Its result must depend on the key alone, whatever `from` is. */
export function memo<K, V extends NonNullable<unknown> | null, F = void>(
  make: (key: K, from: F) => V,
  { most, keeps }: MemoOptions<K, V> = {},
): (key: K, from: F) => V {
  const known = most === undefined ? new Map<K, V>() : new QuickLRU<K, V>({ maxSize: most });
  return (key, from) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key, from);
    if (keeps === undefined || keeps(key, made)) known.set(key, made);
    return made;
  };
}
