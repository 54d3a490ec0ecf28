// Requests as they go over the wire: with the headers that are named and no others, the path byte for byte, nothing followed.
// `fetch` would add headers of its own, by which a check knows a script from a page.
import { type IncomingMessage, request } from 'node:http';

/** What a browser says of a page that somebody opens, and of a script's request. */
export const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
export const SCRIPT = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };

export type SentHeaders = Readonly<Record<string, string>>;

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Over a connection of its own. */
export function ask(url: string, headers: SentHeaders = {}, method = 'GET', body?: string): Promise<WireAnswer> {
  const { hostname, port, origin } = new URL(url);
  const path = url.startsWith(`${origin}/`) ? url.slice(origin.length) : '/';
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

/** The cookies that an answer sets, or the one of this name, as a browser would send them. */
export function cookieIn({ headers }: WireAnswer, name = ''): string {
  const set = headers['set-cookie'] ?? [];
  const named = set.filter((one) => name === '' || one.startsWith(`${name}=`));
  return named.map((one) => one.split(';')[0]).join('; ');
}
