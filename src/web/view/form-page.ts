// The page that a form stands on: where a page that answers it, such as one with what was wrong, can be opened again.
import type Koa from 'koa';
import { bodyOf, readNext } from '../http/form.ts';
import { withNext } from '../http/query.ts';

/** Forms that are sent to another path than that of their page. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^(\/login|\/login\/second-factor|\/confirm)\/passkey$/, '$1'],
  [
    /^(\/account\/security)\/(?:authenticator\/remove|recovery-codes(?:\/kept)?|passkeys\/[^/]+\/(?:rename|remove)|tokens\/[^/]+\/revoke)$/,
    '$1',
  ],
  [/^(\/account\/email)\/take-back$/, '$1'],
  [/^(\/account\/sessions)\/.+$/, '$1'],
  [/^\/account\/devices\/.+$/, '/account/sessions'],
  [/^(\/applications)\/sessions\/.+$/, '$1'],
  [/^(\/operator\/blocks)\/.+$/, '$1'],
  [/^(\/operator\/views)\/[0-9a-f-]{36}\/.+$/, '$1'],
  [/^\/(?:logout|language)$/, '/'],
];

/** With the page that the form leads on to. */
export async function formPage(ctx: Koa.Context): Promise<string> {
  const found = ELSEWHERE.find(([pattern]) => pattern.test(ctx.path));
  // What a form of the console acts on stands in its address.
  if (!found && ctx.path.startsWith('/operator/')) return ctx.url;
  const page = found ? ctx.path.replace(found[0], found[1]) : ctx.path;
  const fields = await bodyOf(ctx)?.catch(() => null);
  return withNext(page, readNext(fields?.['next']));
}
