// Second factors for tests: an authenticator app that is set up over HTTP, and its codes.
import { generateSync } from 'otplib';
import type { Browser } from './app.ts';
import { fieldValue } from './page.ts';

const PAGE = '/account/security/authenticator';
const STEP_SECONDS = 30;

export interface Enrolled {
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  readonly answer: Awaited<ReturnType<Browser['submit']>>;
}

/**
 * The code that an app shows, so many steps of thirty seconds from now. A server takes the steps beside its own: on a slow
 * machine a code of the step before may be too old when it arrives, so ask for now and the next, in this order.
 */
export function totpCode(secret: string, steps = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1_000) + steps * STEP_SECONDS });
}

/** Sets an app up for whoever is logged in in this browser; `page` is where it is offered. */
export async function enrol(browser: Browser, page = PAGE): Promise<Enrolled> {
  const { text } = await browser.get(page);
  const secret = (/<code class="mono">([^<]+)/.exec(text)?.[1] ?? '').replaceAll(' ', '');
  const sealed = /name="sealed" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const next = fieldValue(text, 'next');
  const fields = { sealed, code: totpCode(secret), ...(next === undefined ? {} : { next }) };
  const answer = await browser.submit(PAGE, fields, page);
  const recoveryCodes = codesIn((await browser.get(answer.headers['location'] ?? '')).text);
  if (recoveryCodes.length !== 10) throw new Error(`the app was not set up: ${answer.status}`);
  return { secret, recoveryCodes, answer };
}

/** The recovery codes that a page shows. */
export function codesIn(html: string): string[] {
  return [...html.matchAll(/<li>((?:[0-9A-Z]{5}-){4}[0-9A-Z]{6})<\/li>/g)].map((match) => match[1] ?? '');
}
