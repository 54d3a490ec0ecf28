// Koa 3, koa-session and koa-redis, which answer whose session a request is of with five headers.
import Koa from 'koa';
import redisStore from 'koa-redis';
import session from 'koa-session';
import { host, listening, port, redisUrl, secret, sessionData } from './setup.mjs';

const app = new Koa();
app.keys = [secret];
app.use(session({ key: 'session', store: redisStore({ url: redisUrl }), sameSite: 'lax', secure: false }, app));
app.use((ctx) => {
  if (ctx.path === '/begin') {
    ctx.session = { ...sessionData };
    ctx.body = 'begun';
    return;
  }
  const { userId, email, groups, assertion } = ctx.session;
  if (!userId) return ctx.throw(401);
  ctx.set({ User: userId, Email: email, Groups: groups, Name: email, Assertion: assertion });
  ctx.status = 200;
  ctx.body = '';
});
app.listen(port, host, listening);
