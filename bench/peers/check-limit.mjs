// The limit of a check: node:http, one ioredis GET with auto-pipelining, JSON.parse, five headers, and nothing else.
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { host, listening, port, redisUrl, sessionData } from './setup.mjs';

const redis = new Redis(redisUrl, { enableAutoPipelining: true });
await redis.set('limit:session', JSON.stringify(sessionData));

createServer(async (request, response) => {
  if (request.url === '/begin') return response.writeHead(200, { 'Set-Cookie': 'session=limit:session' }).end('begun');
  const { userId, email, groups, assertion } = JSON.parse(
    await redis.get(request.headers.cookie.slice('session='.length)),
  );
  response.writeHead(200, {
    User: userId,
    Email: email,
    Groups: groups,
    Name: email,
    Assertion: assertion,
    'Content-Length': 0,
  });
  response.end();
}).listen(port, host, listening);
