// The public keys of what applications are told (RFC 7517), for whoever verifies it.
import type Router from '@koa/router';
import type { Web } from '../../view/page.ts';

/** For less than a key is published before it signs. */
const KEPT_SECONDS = 300;

export function keysPage(router: Router, { context: { forwardAuth } }: Web): void {
  router.get('/.well-known/holdfast-keys.json', async (ctx) => {
    const { published } = await forwardAuth.assertionKeys();
    ctx.body = { keys: published };
    ctx.type = 'application/jwk-set+json';
    ctx.set('Cache-Control', `public, max-age=${KEPT_SECONDS}`);
  });
}
