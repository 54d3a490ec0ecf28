// A Koa application behind Holdfast.
import Koa from 'koa';
import { createVerifier } from '../verifier/verifier.mjs';

const { HOLDFAST: issuer, APPLICATION: application, PORT } = process.env;
const whoIs = createVerifier({ issuer, application });

const app = new Koa();
app.use(async (ctx, next) => {
  ctx.state.person = await whoIs(ctx.req).catch(() => ctx.throw(503));
  ctx.assert(ctx.state.person, 401);
  await next();
});
app.use((ctx) => {
  ctx.body = `Hello ${ctx.state.person.email}`;
});
app.listen(PORT, '127.0.0.1');
