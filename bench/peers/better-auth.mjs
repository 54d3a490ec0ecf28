// better-auth, which reads the session of a request and renders the page, on node:http without a framework.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { fromNodeHeaders } from 'better-auth/node';
import ejs from 'ejs';
import { auth, begin } from './better-auth-setup.mjs';
import { host, listening, port, viewsDir } from './setup.mjs';

const render = ejs.compile(readFileSync(path.join(viewsDir, 'profile.ejs'), 'utf8'));

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
