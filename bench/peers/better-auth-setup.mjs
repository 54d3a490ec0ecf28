// better-auth with Redis as its secondary storage, where it then keeps its sessions. The accounts are in its memory adapter, which
// reading a session does not touch. Nothing limits how often it is asked.
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { createClient } from 'redis';
import { host, port, redisUrl, secret, sessionData } from './setup.mjs';

const client = createClient({ url: redisUrl });
await client.connect();

export const auth = betterAuth({
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
  session: { additionalFields: { csrf: { type: 'string', defaultValue: () => sessionData.csrf ?? '' } } },
  telemetry: { enabled: false },
  logger: { disabled: true },
});

/** Answers with the cookie of a new account's session. */
export async function begin(response) {
  const body = { email: sessionData.email, password: 'correct horse battery staple', name: 'Person' };
  const begun = await auth.api.signUpEmail({ body, asResponse: true });
  response.writeHead(200, { 'Set-Cookie': begun.headers.getSetCookie() }).end('begun');
}
