// An answer of ours says on the wire and to the code what one of Node.js's own says.
import { once } from 'node:events';
import { type ClientRequest, createServer, get, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PageResponse, sharedHeaders, shareHeaders } from '../../src/web/http/page-response.ts';

const SHARED = sharedHeaders([
  ['Cache-Control', 'no-store'],
  ['x-frame-options', 'DENY'],
]);

type Use = (response: ServerResponse) => unknown;

async function answered(ours: boolean, use: Use) {
  let seen: unknown;
  const server = createServer({ ServerResponse: ours ? PageResponse : ServerResponse }, (_request, response) => {
    shareHeaders(response, SHARED);
    seen = use(response);
    response.end('all of it');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const [answer] = (await once(
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }),
    'response',
  )) as [IncomingMessage];
  let body = '';
  for await (const part of answer.setEncoding('utf8')) body += part;
  server.close();
  const lines = answer.rawHeaders.flatMap((text, at) =>
    at % 2 ? [`${answer.rawHeaders[at - 1]?.toLowerCase()}: ${text}`] : [],
  );
  const headers = lines.filter((line) => !line.startsWith('date:')).sort();
  return { status: answer.statusCode, words: answer.statusMessage, headers, body, seen };
}

const USES: Readonly<Record<string, Use>> = {
  'shared headers alone': () => undefined,
  'headers of its own': (response) => {
    response.setHeader('Content-Type', 'text/html').setHeader('Content-Length', 9);
    response.setHeader('Set-Cookie', ['one=1', 'two=2']);
    return response.getHeader('set-cookie');
  },
  'their names as they were written': (response) => {
    response.setHeader('X-Own', 'a');
    return (response as unknown as ClientRequest).getRawHeaderNames();
  },
  'a shared one as it is': (response) => response.setHeader('cache-control', 'no-store').getHeader('Cache-Control'),
  'another in the place of a shared one': (response) => {
    response.setHeader('cache-control', 'public');
    return [response.getHeader('CACHE-CONTROL'), response.hasHeader('X-Frame-Options')];
  },
  'a shared one taken away': (response) => {
    response.removeHeader('X-Frame-Options');
    return [response.hasHeader('x-frame-options'), response.getHeaderNames()];
  },
  'one of its own taken away': (response) => {
    response.setHeader('X-One', '1').removeHeader('x-one');
    return response.getHeader('X-One');
  },
  'all that there are': (response) => {
    response.setHeader('X-One', '1');
    return [response.getHeaderNames().sort(), { ...response.getHeaders() }];
  },
  'one after another': (response) => {
    response.appendHeader('Vary', 'Accept').appendHeader('Vary', ['Cookie', 'Host']);
    return response.getHeader('vary');
  },
  'a head by itself': (response) => {
    response.setHeader('X-One', '1');
    response.writeHead(404, 'Nowhere', { 'X-Two': '2', 'X-One': 'other' });
    return response.headersSent;
  },
  'a head from a list': (response) => response.writeHead(201, ['X-Two', '2', 'Cache-Control', 'public']).statusCode,
  'a value with a line of its own': (response) => {
    expect(() => response.setHeader('Location', '/one\r\nX-Two: 2')).toThrow('Invalid character');
    expect(() => response.setHeader('Set-Cookie', ['fine=1', 'broken=\n'])).toThrow('Invalid character');
  },
  'a header that comes too late': (response) => {
    response.setHeader('X-One', '1');
    response.flushHeaders();
    expect(() => response.setHeader('X-Two', '2')).toThrow('after they are sent');
    expect(() => response.removeHeader('X-One')).toThrow('after they are sent');
    return response.getHeader('X-One');
  },
};

it.each(Object.entries(USES))('%s', async (_name, use) => {
  expect(await answered(true, use)).toEqual(await answered(false, use));
});

it('without shared headers passes on what it is given', async () => {
  const response = new PageResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage);
  expect(response.writeHead(204, ['X-One', '1']).headersSent).toBe(true);
});
