// The origins of applications. Cookies know host names and no ports: whoever is reached by a name gets the cookies of that name.
import { isLoopback } from '../platform/networks.ts';
import { parseUrl } from '../platform/parse-url.ts';

const MOST_CHARACTERS = 200;

export type OriginResult =
  | { readonly ok: true; readonly url: string; readonly host: string; readonly hostname: string }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads `https://wiki.example.org`, with a port or not. Plain http only on this machine, and only while Holdfast itself is reached
 * so (`publicOrigin`).
 */
export function readOrigin(text: string, publicOrigin: string): OriginResult {
  const typed = text.trim();
  if (typed.length > MOST_CHARACTERS) return wrong(`Use at most ${MOST_CHARACTERS} characters.`);
  const url = /^https?:\/\/[^/\s\\][^\s\\]*$/i.test(typed) ? parseUrl(typed) : null;
  if (!url) return wrong('Give its origin, such as https://wiki.example.org.');
  const problem = partsProblem(url, typed) ?? schemeProblem(url, publicOrigin);
  return problem === null ? { ok: true, url: url.origin, host: url.host, hostname: url.hostname } : wrong(problem);
}

/** The name that a browser keeps cookies for. */
export function hostnameOf(origin: string): string {
  return new URL(origin).hostname;
}

function partsProblem(url: URL, typed: string): string | null {
  if (url.username || url.password) return 'Leave the user name and the password out.';
  if (url.pathname !== '/' || /[?#]/.test(typed))
    return 'Give the origin alone: scheme and host, without a path or what follows one.';
  if (url.hostname.endsWith('.')) return 'Leave the dot at the end of the host out.';
  if (url.hostname.includes('*')) return 'Give one host: * stands for none.';
  // A URL may have more in its host, such as `;`, which a proxy's configuration or a header would take for its own.
  return /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(url.hostname)
    ? null
    : 'A host is letters, digits, dots and hyphens.';
}

function schemeProblem({ protocol, hostname }: URL, publicOrigin: string): string | null {
  if (protocol === 'https:') return null;
  const here = new URL(publicOrigin);
  if (here.protocol === 'http:' && isLoopback(here.hostname) && isLoopback(hostname)) return null;
  return 'Use https. Plain http is for this machine alone (localhost and names below it), while PUBLIC_URL is of it too.';
}

function wrong(problem: string): OriginResult {
  return { ok: false, problem };
}
