// better-auth, asked for the session of a request over HTTP, as an application in another language would ask.
import { createServer } from 'node:http';
import { fromNodeHeaders } from 'better-auth/node';
import { auth, begin } from './better-auth-setup.mjs';
import { host, listening, port } from './setup.mjs';

/** Its own handler for Node answers in chunks; the load wants to know the length. */
async function answer(request, response) {
  const asked = new Request(`http://${host}:${port}${request.url}`, { headers: fromNodeHeaders(request.headers) });
  const answered = await auth.handler(asked);
  const body = await answered.text();
  const headers = { ...Object.fromEntries(answered.headers), 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(answered.status, headers).end(body);
}

createServer((request, response) => (request.url === '/begin' ? begin(response) : answer(request, response))).listen(
  port,
  host,
  listening,
);
