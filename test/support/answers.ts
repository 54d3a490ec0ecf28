// A whole answer of a server, and what every answer of ours must be.
import { connect } from 'node:net';
import { expect } from '@jest/globals';
import { fieldValue } from './page.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function askAt(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A page in the layout with the request's id, that gives away no code, and gives nobody a session. */
export function expectErrorPage(answer: Answer, status: number): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.text).toContain('<header class="top">');
  expect(answer.text).toContain(`Error ${status}.`);
  const requestId = answer.headers.get('x-request-id') ?? '';
  expect(requestId).toMatch(/^[\w-]{8}-[0-9a-z]+$/);
  expect(answer.text).toContain(`>${requestId}</bdi>`);
  expect(answer.text).not.toMatch(/\bat .*\.[tj]s|node_modules|Error:|stack|prisma|ECONN/i);
  expectNoSession(answer);
  expectSecurityHeaders(answer.headers);
}

export function expectNoSession({ headers }: Answer): void {
  expect(headers.getSetCookie().filter((cookie) => /session/.test(cookie))).toEqual([]);
}

export function expectSecurityHeaders(headers: Headers, secure = false): void {
  expect(headers.get('content-security-policy')?.split(';').sort()).toEqual([
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
  ]);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('referrer-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('strict-transport-security')).toBe(secure ? 'max-age=31536000; includeSubDomains' : null);
}

/** The cookie that a form was shown to, and its token. */
export interface OpenForm {
  readonly cookie: string;
  readonly token: string;
}

export async function openForm(url: string, path: string, cookie: string): Promise<OpenForm> {
  const response = await fetch(`${url}${path}`, { headers: { cookie } });
  const own = response.headers.getSetCookie()[0]?.split(';')[0];
  return { cookie: own ?? cookie, token: fieldValue(await response.text(), '_csrf') ?? '' };
}

/** Bytes as they are, past every client's own checks; the whole answer. */
export function rawAt(url: string, text: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no end after: ${answer}`)));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
