// The limit: node:http, one ioredis GET with auto-pipelining, JSON.parse, a compiled template, and nothing else: no signature,
// no router, no header but the two that the page needs.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import ejs from 'ejs';
import { Redis } from 'ioredis';
import { host, listening, port, redisUrl, sessionData, viewsDir } from './setup.mjs';

const redis = new Redis(redisUrl, { enableAutoPipelining: true });
const render = ejs.compile(readFileSync(path.join(viewsDir, 'profile.ejs'), 'utf8'), {
  strict: true,
  destructuredLocals: ['email', 'csrf'],
  _with: false,
});
await redis.set('limit:session', JSON.stringify(sessionData));

createServer(async (request, response) => {
  if (request.url === '/begin') return response.writeHead(200, { 'Set-Cookie': 'session=limit:session' }).end('begun');
  const { email, csrf } = JSON.parse(await redis.get(request.headers.cookie.slice('session='.length)));
  const page = render({ email, csrf });
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(page) });
  response.end(page);
}).listen(port, host, listening);
