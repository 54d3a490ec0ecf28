// The application of `npm run up -- --demo`: one page, for this machine alone. It knows nothing of log-ins.
import { createServer } from 'node:http';
import { pageOf } from './page.ts';

const server = createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(pageOf(request.headers));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.({ type: 'ready' }));
