// What programs ask every site: for whom a hole is to be told (RFC 9116), and what search engines may look at.
import type Router from '@koa/router';
import type Koa from 'koa';
import { HttpError } from '../http/http-error.ts';
import type { Web } from '../view/page.ts';

const DAY_MS = 86_400_000;
/** RFC 9116 wants less than a year. */
const VALID_MS = 180 * DAY_MS;
const SECURITY_TXT = '/.well-known/security.txt';

/** Every page is a form or somebody's own: none belongs into a search engine. */
const ROBOTS = 'User-agent: *\nDisallow: /\n';

export function wellKnownPages(router: Router, web: Web): void {
  router.get('/robots.txt', (ctx) => sendText(ctx, ROBOTS));
  router.get(SECURITY_TXT, (ctx) => sendText(ctx, securityText(ctx, web)));
}

function securityText(ctx: Koa.Context, { context: { config } }: Web): string {
  const { securityContact, publicOrigin, languages } = config;
  if (securityContact === null) throw new HttpError(404, 'no_contact');
  const expires = new Date((Math.floor(ctx.state.now.getTime() / DAY_MS) + VALID_MS / DAY_MS) * DAY_MS);
  const lines = [
    `Contact: ${securityContact}`,
    `Expires: ${expires.toISOString()}`,
    `Preferred-Languages: ${languages.join(', ')}`,
    `Canonical: ${publicOrigin}${SECURITY_TXT}`,
  ];
  return `${lines.join('\n')}\n`;
}

function sendText(ctx: Koa.Context, text: string): void {
  ctx.type = 'text/plain; charset=utf-8';
  ctx.set('Cache-Control', 'public, max-age=3600');
  ctx.body = text;
}
