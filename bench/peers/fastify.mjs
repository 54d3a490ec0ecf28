// Fastify 5, @fastify/session with connect-redis on node-redis, @fastify/view with EJS. No log, which is Fastify's default.
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import fastifyView from '@fastify/view';
import { RedisStore } from 'connect-redis';
import ejs from 'ejs';
import Fastify from 'fastify';
import { createClient } from 'redis';
import { host, listening, port, redisUrl, secret, sessionData, viewsDir } from './setup.mjs';

const client = createClient({ url: redisUrl });
await client.connect();
const app = Fastify();
await app.register(fastifyCookie);
await app.register(fastifySession, {
  store: new RedisStore({ client, prefix: 'fastify:' }),
  secret,
  cookieName: 'session',
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax', secure: false, maxAge: 86_400_000 },
});
await app.register(fastifyView, { engine: { ejs }, root: viewsDir, viewExt: 'ejs', production: true });

app.get('/begin', async (request) => {
  await request.session.regenerate();
  for (const [name, value] of Object.entries(sessionData)) request.session.set(name, value);
  return 'begun';
});

app.get('/profile', (request, reply) => {
  const email = request.session.get('email');
  if (!email) return reply.redirect('/login', 303);
  return reply.view('profile', { email, csrf: request.session.get('csrf') });
});

await app.listen({ port, host });
listening();
