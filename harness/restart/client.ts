// An HTTP client that notices every lost request: it never retries, and leaves a connection only when the server said so.
// Hides what a browser does besides: cookies, and the hidden field of a form.
import type { Socket } from 'node:net';
import { open, readUntil } from '../load.ts';

export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly cookie: string;
  /** The address that the proxy in front claims to have seen. */
  readonly address: string;
  readonly form?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly requestId: string;
  /** `name=value` of each cookie that the answer sets; without a value it takes the cookie away. */
  readonly cookies: readonly string[];
  readonly location: string;
  readonly body: string;
  /** Whether the server lets the connection go. */
  readonly close: boolean;
}

export interface Connection {
  /** Sends one request. Rejects when the connection can't be made or ends before the answer, or when 20 s pass. */
  ask(request: Ask): Promise<Answer>;
  /** When the connection that the last request went over was asked for; of `performance.now()`. */
  openedAt(): number;
  close(): void;
}

/** A client's connection, opened at the first request; without `keepAlive` it is another one for each. */
export function connection(port: number, keepAlive: boolean): Connection {
  let socket: Socket | undefined;
  let openedAt = 0;
  const close = () => {
    socket?.destroy();
    socket = undefined;
  };
  return {
    close,
    openedAt: () => openedAt,
    async ask(request) {
      // One that the server closed while nothing was asked is no failure: the client sees that, and opens another.
      if (!socket || socket.destroyed || socket.readableEnded) {
        openedAt = performance.now();
        socket = await open(port);
      }
      try {
        socket.write(write(request, port, keepAlive));
        const answer = await readUntil(socket, readAnswerIn);
        if (answer.close || !keepAlive) close();
        return answer;
      } catch (error) {
        close();
        throw error;
      }
    },
  };
}

/** The cookies of one browser, and the form token that it saw last. */
export interface Jar {
  cookie(): string;
  take(answer: Answer): void;
  get(name: string): string | undefined;
}

export function cookieJar(): Jar {
  const cookies = new Map<string, string>();
  return {
    cookie: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    get: (name) => cookies.get(name),
    take(answer) {
      for (const pair of answer.cookies) {
        const [name = '', value = ''] = pair.split('=', 2);
        if (value === '') cookies.delete(name);
        else cookies.set(name, value);
      }
    },
  };
}

/** The hidden field that every form carries; empty when the page has none. */
export function formToken({ body }: Answer): string {
  return /name="_csrf" value="([^"]+)"/.exec(body)?.[1] ?? '';
}

function write({ method, path, cookie, address, form }: Ask, port: number, keepAlive: boolean): string {
  const body = form ? new URLSearchParams(form).toString() : '';
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    `X-Forwarded-For: ${address}`,
    ...(cookie ? [`Cookie: ${cookie}`] : []),
    ...(keepAlive ? [] : ['Connection: close']),
    ...(form ? ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** An answer with a Content-Length, once all of it is there. */
export function readAnswerIn(text: string): Answer | undefined {
  const headLength = text.indexOf('\r\n\r\n');
  if (headLength < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headLength).split('\r\n');
  const header = (name: string) =>
    lines.flatMap((line) =>
      line.toLowerCase().startsWith(`${name}:`) ? [line.slice(line.indexOf(':') + 1).trim()] : [],
    );
  const body = text.slice(headLength + 4);
  if (body.length < Number(header('content-length')[0] ?? 0)) return undefined;
  return {
    status: Number(statusLine.split(' ')[1]),
    requestId: header('x-request-id')[0] ?? '',
    cookies: header('set-cookie').map((cookie) => cookie.split(';', 1)[0] ?? ''),
    location: header('location')[0] ?? '',
    body,
    close: header('connection')[0]?.toLowerCase() === 'close',
  };
}
