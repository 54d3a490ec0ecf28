// Enters an application as a browser would, and says what its proxy asks then.
import { request } from 'node:http';
import { SESSION_KEYS } from '../../harness/installation.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { hashApplicationToken, newToken } from '../../src/core/credentials/random-token.ts';
import { createApplicationCookies } from '../../src/web/forward-auth/application-cookies.ts';
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

/** Sessions at the application, each of another person, as rows alone. Returns their cookies. */
export async function fillApplication(superuserUrl: string, host: string, count: number): Promise<string[]> {
  const tokens = Array.from({ length: count }, newToken);
  await query(
    superuserUrl,
    `WITH given AS (
       SELECT token_hash, concat('person', row_number() OVER (), '@example.org') AS address FROM unnest($1::bytea[]) AS token_hash),
     people AS (
       INSERT INTO user_account (id, email, email_key, password_hash)
       SELECT gen_random_uuid(), address, address, 'none' FROM given RETURNING id, email_key),
     parents AS (
       INSERT INTO session (id, token_hash, user_id, remember, idle_timeout_seconds, idle_deadline, absolute_deadline)
       SELECT gen_random_uuid(), sha256(email_key::bytea), id, false, 86400, now() + interval '1 day', now() + interval '7 days'
         FROM people RETURNING id, user_id)
     INSERT INTO session (id, token_hash, user_id, parent_id, application_id, login_id, remember, idle_timeout_seconds,
                          idle_deadline, absolute_deadline, data)
     SELECT gen_random_uuid(), token_hash, people.id, parents.id, application.id, parents.id, false, 86400,
            now() + interval '1 day', now() + interval '7 days',
            jsonb_build_object('groups', '[]'::jsonb, 'registryVersion', application_version.version)
       FROM given JOIN people ON email_key = address JOIN parents ON user_id = people.id
            JOIN application ON host = $2 CROSS JOIN application_version`,
    [tokens.map(hashApplicationToken), host],
  );
  await query(superuserUrl, 'VACUUM ANALYZE session, user_account');
  const cookies = createApplicationCookies({ sessionKeys: [SESSION_KEYS] });
  return tokens.map((token) => `holdfast_app=${cookies.cookieOf(token)}`);
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
