// The browser that registers, by the secret that it keeps anyway for its forms: only a hash of it is kept.
import { timingSafeEqual } from 'node:crypto';
import { hashToken } from '../credentials/random-token.ts';

/** Null for a browser without a secret. */
export function browserHashOf(browser: string): Uint8Array<ArrayBuffer> | null {
  return browser === '' ? null : hashToken(`browser ${browser}`);
}

/** False for a browser without a secret. */
export function isSameBrowser(kept: Uint8Array | null, browser: string): boolean {
  const hash = browserHashOf(browser);
  return kept !== null && hash !== null && timingSafeEqual(Buffer.from(kept), hash);
}
