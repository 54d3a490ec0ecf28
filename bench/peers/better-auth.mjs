// better-auth with Redis as its secondary storage, where it then keeps its sessions: reads the session of a request and renders
// the page, on node:http without a framework. The accounts are in its memory adapter, which reading a session does not touch.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { fromNodeHeaders } from 'better-auth/node';
import ejs from 'ejs';
import { createClient } from 'redis';
import { host, listening, port, redisUrl, secret, sessionData, viewsDir } from './setup.mjs';

const client = createClient({ url: redisUrl });
await client.connect();
const auth = betterAuth({
  baseURL: `http://${host}:${port}`,
  secret,
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  secondaryStorage: {
    get: (key) => client.get(`better-auth:${key}`),
    set: (key, value, ttl) => client.set(`better-auth:${key}`, value, ttl ? { EX: ttl } : {}),
    delete: (key) => client.del(`better-auth:${key}`),
  },
  emailAndPassword: { enabled: true },
  session: { additionalFields: { csrf: { type: 'string', defaultValue: () => sessionData.csrf } } },
  telemetry: { enabled: false },
  logger: { disabled: true },
});
const render = ejs.compile(readFileSync(path.join(viewsDir, 'profile.ejs'), 'utf8'));

async function begin(response) {
  const body = { email: sessionData.email, password: 'correct horse battery staple', name: 'Person' };
  const begun = await auth.api.signUpEmail({ body, asResponse: true });
  response.writeHead(200, { 'Set-Cookie': begun.headers.getSetCookie() }).end('begun');
}

async function profile(request, response) {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (!found) return response.writeHead(303, { Location: '/login' }).end();
  const page = render({ email: found.user.email, csrf: found.session.csrf });
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(page) });
  response.end(page);
}

const pages = { '/begin': (_, response) => begin(response), '/profile': profile };
createServer((request, response) => {
  Promise.resolve(pages[request.url]?.(request, response)).catch((error) => {
    process.stderr.write(`${error?.stack ?? error}\n`);
    response.writeHead(500).end();
  });
}).listen(port, host, listening);
