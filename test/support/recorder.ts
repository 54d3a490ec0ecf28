// An application that knows nothing of log-ins and remembers what reached it, as it was asked.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Reached {
  readonly method: string;
  /** As it stood in the request's first line. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Every field as it came, also those that come twice. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Recorder {
  readonly url: string;
  /** What has reached it since this was asked last. */
  taken(): Reached[];
  close(): Promise<void>;
}

const SWITCHED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
];

/** Answers everything with 200, and a WebSocket's handshake before it hangs up. */
export async function startRecorder(): Promise<Recorder> {
  let reached: Reached[] = [];
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    const { method = '', url = '', headers, rawHeaders } = request;
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      reached.push({ method, url, headers, rawHeaders, body });
      response.end('the application');
    });
  });
  server.on('upgrade', ({ url = '', headers, rawHeaders }, socket) => {
    reached.push({ method: 'upgrade', url, headers, rawHeaders, body: '' });
    socket.end(`${SWITCHED.join('\r\n')}\r\n\r\n`);
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
        server.closeAllConnections();
      }),
  };
}
