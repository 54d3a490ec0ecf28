// Koa 3, koa-session with koa-redis, koa-views with EJS, by default just as their documentation shows them. BENCH_VIEW_CACHE=1 turns on
// the cache of compiled templates, as an example in the documentation of koa-views does.
import Router from '@koa/router';
import Koa from 'koa';
import redisStore from 'koa-redis';
import session from 'koa-session';
import views from 'koa-views';
import { host, listening, port, redisUrl, secret, sessionData, viewsDir } from './setup.mjs';

const app = new Koa();
app.keys = [secret];
app.use(session({ key: 'session', store: redisStore({ url: redisUrl }), sameSite: 'lax', secure: false }, app));
const options = process.env.BENCH_VIEW_CACHE === '1' ? { cache: true } : {};
app.use(views(viewsDir, { extension: 'ejs', options }));

const router = new Router();
router.get('/begin', (ctx) => {
  ctx.session = { ...sessionData };
  ctx.body = 'begun';
});
router.get('/profile', async (ctx) => {
  const { email, csrf } = ctx.session;
  if (!email) return ctx.redirect('/login');
  await ctx.render('profile', { email, csrf });
});
app.use(router.routes()).use(router.allowedMethods());

app.listen(port, host, listening);
