// Express 5, express-session, connect-redis on node-redis, EJS: what the classic tutorial builds, with the options that each of
// their documentations gives for production. NODE_ENV=production is set by the bench, which turns on Express's cache of views.
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';
import { host, listening, port, redisUrl, secret, sessionData, viewsDir } from './setup.mjs';

const client = createClient({ url: redisUrl });
await client.connect();
const app = express();
app.disable('x-powered-by');
app.set('view engine', 'ejs');
app.set('views', viewsDir);
app.use(
  session({
    store: new RedisStore({ client, prefix: 'express:' }),
    resave: false,
    saveUninitialized: false,
    secret,
    name: 'session',
    cookie: { httpOnly: true, sameSite: 'lax', secure: false, maxAge: 86_400_000 },
  }),
);

app.get('/begin', (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error);
    Object.assign(request.session, sessionData);
    response.send('begun');
  });
});

app.get('/profile', (request, response) => {
  const { email, csrf } = request.session;
  if (!email) return response.redirect(303, '/login');
  response.render('profile', { email, csrf });
});

app.listen(port, host, listening);
