// better-auth with Redis as its secondary storage, asked for the session of a request over HTTP, as an application in another
// language would ask.
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { fromNodeHeaders } from 'better-auth/node';
import { createClient } from 'redis';
import { host, listening, port, redisUrl, secret, sessionData } from './setup.mjs';

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
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
});

/** Its own handler for Node answers in chunks; the load wants to know the length. */
async function answer(request, response) {
  const asked = new Request(`http://${host}:${port}${request.url}`, { headers: fromNodeHeaders(request.headers) });
  const answered = await auth.handler(asked);
  const body = await answered.text();
  response.writeHead(answered.status, {
    ...Object.fromEntries(answered.headers),
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

async function begin(response) {
  const body = { email: sessionData.email, password: 'correct horse battery staple', name: 'Person' };
  const begun = await auth.api.signUpEmail({ body, asResponse: true });
  response.writeHead(200, { 'Set-Cookie': begun.headers.getSetCookie() }).end('begun');
}

createServer((request, response) => (request.url === '/begin' ? begin(response) : answer(request, response))).listen(
  port,
  host,
  listening,
);
