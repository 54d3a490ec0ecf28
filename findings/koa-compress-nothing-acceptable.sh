#!/usr/bin/env bash
# koa-compress 5.2.2: where a client takes no coding at all, not even none (`Accept-Encoding: identity;q=0, *;q=0`), the
# middleware finds no coding and sets a Content-Encoding of undefined, which Node.js refuses: the answer is a 500. RFC 9110
# §12.5.3 leaves a server to send it uncoded or to say 406. Below the threshold, or with one coding left, it is sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm init -y > package.out
npm install --no-audit --no-fund --silent koa@3.3.0 koa-compress@5.2.2
cat > main.mjs <<'JS'
import { createServer, get } from 'node:http';
import Koa from 'koa';
import compress from 'koa-compress';

const app = new Koa();
app.silent = true;
app.on('error', ({ message }) => console.log(message));
app.use(compress({ threshold: 1024 }));
app.use((ctx) => {
  ctx.type = 'html';
  ctx.body = 'a'.repeat(ctx.path === '/large' ? 2048 : 512);
});
const server = createServer(app.callback()).listen(0, '127.0.0.1', async () => {
  for (const [path, coding] of [
    ['/small', 'identity;q=0, *;q=0'],
    ['/large', 'gzip, identity;q=0, *;q=0'],
    ['/large', 'identity;q=0, *;q=0'],
  ]) {
    const options = { host: '127.0.0.1', port: server.address().port, path, headers: { 'accept-encoding': coding } };
    const answer = await new Promise((resolve) => get(options, (got) => resolve(got.resume())));
    console.log(path, answer.statusCode, answer.headers['content-encoding'] ?? 'uncoded');
  }
  server.close();
});
JS
node main.mjs | tee out
cat > expected <<'TEXT'
/small 200 uncoded
/large 200 gzip
Invalid value "undefined" for header "Content-Encoding"
/large 500 uncoded
TEXT
cmp expected out
