// An application of which a browser asks everything that browsers ask: a page with a form, data, an image, a WebSocket, and data for
// other origins. It knows nothing of log-ins, says to whom it answered, and counts what reached it.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
/** RFC 6455. */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface AskingSite {
  readonly url: string;
  /** Method and path of what has reached it since this was asked last. */
  taken(): string[];
  close(): Promise<void>;
}

export async function startAskingSite(): Promise<AskingSite> {
  let reached: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const { method, url = '/' } = request;
    if (url !== '/favicon.ico') reached.push(`${method} ${url}`);
    request.resume();
    answer(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  server.on('upgrade', (request, socket) => {
    reached.push(`WebSocket ${request.url}`);
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${WEBSOCKET}`).digest('base64');
    const head = [
      '101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    const said = Buffer.from(whoIn(request));
    socket.write(`HTTP/1.1 ${head.join('\r\n')}\r\n\r\n`);
    socket.write(Buffer.concat([Buffer.from([0x81, said.length]), said]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken() {
      const now = reached;
      reached = [];
      return now;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://application');
  if (pathname === '/data')
    return void response.setHeader('Content-Type', 'application/json').end(`"${whoIn(request)}"`);
  if (pathname === '/image') return void response.setHeader('Content-Type', 'image/gif').end(GIF);
  if (pathname === '/shared') {
    const origin = request.headers.origin ?? '';
    const allows = { 'Access-Control-Allow-Credentials': 'true', 'Access-Control-Allow-Headers': 'x-wish' };
    response.writeHead(200, { 'Access-Control-Allow-Origin': origin, ...allows });
    return void response.end(`"${whoIn(request)}"`);
  }
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(`<title>Wiki</title><h1>The wiki</h1><p id="who">${whoIn(request)}</p>
<p id="asked">${request.method} ${request.url?.replaceAll('&', '&amp;')}</p>
<form method="post" action="/save"><input name="words" value="typed"><button>Save</button></form><a href="/next">Next</a>`);
}

/** An e-mail address, so no mark-up; empty for nobody. */
function whoIn({ headers }: IncomingMessage): string {
  return String(headers['holdfastemail'] ?? '');
}
