const LONGEST = 512;

/** A browser's name for itself as it is kept: cut, and text that PostgreSQL takes. */
export function keptUserAgent({ userAgent }: { readonly userAgent: string | null }): string | null {
  return userAgent?.slice(0, LONGEST).toWellFormed().replaceAll('\u0000', '') ?? null;
}
