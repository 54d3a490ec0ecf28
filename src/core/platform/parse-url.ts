/**
 * The URL that a text is, read from `base` if it is relative; null if it is none. `URL.canParse` is no question to ask first: up
 * to Node 22, after some thousands of calls, it refuses letters such as ü that `new URL` takes (findings/).
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
