// The home page.
import type Router from '@koa/router';
import { liveSession } from '../session/request-state.ts';
import { doneNotice, type Web } from '../view/page.ts';

export function homePage(router: Router, { context, show }: Web): void {
  router.get('/', (ctx) => {
    const loggedIn = liveSession(ctx) !== null;
    const registers = context.config.registration !== 'closed';
    const { serviceName: title } = context.config;
    const notice = loggedIn ? null : doneNotice(ctx); // they tell of the end of a session
    return show(ctx, 'home', { loggedIn, registers }, { title, current: 'home', notice });
  });
}
