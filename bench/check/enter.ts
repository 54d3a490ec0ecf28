// Enters an application as a browser would, and says what its proxy asks then.
import { request } from 'node:http';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import type { Target } from '../speed/load.ts';

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookies: string;
}

/** One that everybody may enter, on a host of this machine. */
export async function registerApplication(superuserUrl: string, port: number): Promise<string> {
  const host = `wiki.localhost:${port}`;
  await query(superuserUrl, 'UPDATE application_version SET version = version + 1');
  await query(
    superuserUrl,
    `INSERT INTO application (id, slug, name, url, host, everybody)
     VALUES (gen_random_uuid(), 'wiki', 'Wiki', $1, $2, true)`,
    [`http://${host}`, host],
  );
  return host;
}

/** The cookie of a session at the application, for whoever is logged in by `person`. */
export async function enter(port: number, host: string, person: string): Promise<string> {
  const begin = () => ask(port, host, '/.holdfast/start?to=/', '');
  await until(async () => (await begin()).status === 302); // a web process hears of an application within a second
  const start = await begin();
  const ticket = await ask(port, `127.0.0.1:${port}`, pathOf(start.location), person);
  const entered = await ask(port, host, pathOf(ticket.location), start.cookies);
  if (!entered.cookies.startsWith('holdfast_app=')) throw new Error(`nobody entered: ${JSON.stringify(entered)}`);
  return entered.cookies;
}

/** What nginx asks for a page that a browser opens. */
export function checkOf(port: number, host: string, cookie: string): Target {
  const headers = {
    Host: host,
    Cookie: cookie,
    Holdfastmethod: 'GET',
    Holdfasturi: '/pages/42?tab=history',
    'X-Forwarded-For': '203.0.113.9',
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    Accept: 'text/html',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `GET /forward-auth/nginx/wiki HTTP/1.1\r\n${lines.join('')}\r\n`;
  return { port, status: 200, request: Buffer.from(text) };
}

function pathOf(location: string): string {
  const { pathname, search } = new URL(location, 'http://localhost');
  return pathname + search;
}

function ask(port: number, host: string, path: string, cookie: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host, cookie, accept: 'text/html', 'sec-fetch-site': 'cross-site' };
    request({ host: '127.0.0.1', port, path, headers }, (answer) => {
      answer.resume();
      const cookies = (answer.headers['set-cookie'] ?? []).map((one) => one.split(';', 1)[0]).join('; ');
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location ?? '', cookies });
    })
      .on('error', reject)
      .end();
  });
}
