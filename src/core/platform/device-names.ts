// The names of browser and system that a user agent tells: never text that a client made up at length.
import Bowser from 'bowser';
import QuickLRU from 'quick-lru';

const LONGEST_USER_AGENT = 512;
const KEPT_USER_AGENTS = 1_000;

export interface Device {
  /** "Firefox", "curl"; null if unknown. */
  readonly name: string | null;
  /** "Windows", "iPhone"; null if unknown. */
  readonly place: string | null;
}

const UNKNOWN: Device = { name: null, place: null };
/** Parsing costs more than the rest of a page. */
const known = new QuickLRU<string, Device>({ maxSize: KEPT_USER_AGENTS });

export function deviceNames(userAgent: string | null): Device {
  const short = userAgent?.slice(0, LONGEST_USER_AGENT).trim() ?? '';
  if (short === '') return UNKNOWN;
  const found = known.get(short) ?? parse(short);
  known.set(short, found);
  return found;
}

function parse(userAgent: string): Device {
  try {
    const { browser, os, platform } = Bowser.parse(userAgent);
    const name = knownName(browser.name) ?? programName(userAgent);
    return { name, place: mobilePlace(platform.model) ?? knownName(os.name) };
  } catch {
    return UNKNOWN;
  }
}

// The parser falls back to text of the user agent, so its answer too must look like a name.
function knownName(name: string | undefined): string | null {
  return name !== undefined && /^[A-Za-z][A-Za-z0-9 .+-]{0,30}$/.test(name) ? plainName(name) : null;
}

function plainName(name: string): string {
  return name === 'Microsoft Edge' ? 'Edge' : name;
}

// "curl/8.5.0" → "curl"; a browser's "Mozilla/5.0" says nothing.
function programName(userAgent: string): string | null {
  const name = /^([A-Za-z][A-Za-z0-9.+-]{0,30})\//.exec(userAgent)?.[1];
  return name === undefined || name === 'Mozilla' ? null : name;
}

function mobilePlace(model: string | undefined): string | null {
  return model === 'iPhone' || model === 'iPad' ? model : null;
}
