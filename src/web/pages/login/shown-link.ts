// The form of a mailed link acts on the link that its page showed, and on no other.
import type Koa from 'koa';
import { readBody } from '../../http/form.ts';
import { type LinkKind, linkCookie } from '../../session/link-cookie.ts';
import type { Web } from '../../view/page.ts';

/** 409, and nothing is done, where another link was opened in this browser since. A form of the version before does not say. */
export function ofShownLink(web: Web, kind: LinkKind): Koa.Middleware {
  return async (ctx, next) => {
    const { link: shown } = await readBody(ctx);
    const newest = linkCookie.markOf(ctx, web.context.config, kind);
    if (shown === undefined || newest === '' || shown === newest) return next();
    const { heading, paragraphs } = ctx.state.text.otherLink;
    ctx.status = 409;
    return web.show(ctx, 'message', { heading, paragraphs, action: null }, { title: heading });
  };
}
