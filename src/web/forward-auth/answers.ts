// What a check answers, by what was asked and who asks. nginx turns every refusal but 401 and 403 into an error of its own, so it
// gets a 401 with `Location` where others get a redirect.
import type { ServerResponse } from 'node:http';
import type { Application } from '../../core/applications/application.ts';
import type { Visitor } from '../../core/forward-auth/visitors.ts';
import type { Texts } from '../texts/en.ts';
import { type Asked, type Family, type Kind, readTarget } from './asked.ts';
import { PLAIN_PAGE_HEADERS, type PlainPage, plainPage } from './plain-page.ts';

const RETRY_SECONDS = 5;

type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Empty where a redirect or a header says it all. */
  readonly body: string;
}

/** For whom an answer is written. */
export interface Reader {
  readonly kind: Kind;
  readonly text: Texts;
  readonly serviceName: string;
  readonly requestId: string | null;
}

/** In seconds, of a log-in at the application; null: any is recent enough. */
export type MaxAge = number | null;

/** Every one of them is in every answer that lets somebody pass: what is missing, a proxy might take from the visitor. */
export function identityOf(visitor: Visitor | null, assertion: string): Headers {
  const { owner, groups = [] } = visitor ?? {};
  return {
    HoldfastUser: owner?.userId ?? '',
    HoldfastEmail: asBytes(owner?.email ?? ''),
    HoldfastGroups: groups.join(','),
    HoldfastName: asBytes(owner?.email ?? ''),
    HoldfastAssertion: assertion,
  };
}

/** The same by the names that some software wants. */
function remoteUserOf(identity: Headers): Headers {
  const [email = '', groups = '', name = ''] = ['HoldfastEmail', 'HoldfastGroups', 'HoldfastName'].map(
    (header) => identity[header],
  );
  return { 'Remote-User': email, 'Remote-Email': email, 'Remote-Groups': groups, 'Remote-Name': name };
}

/** Without a body: two bytes of one cost nginx and Caddy a new connection for each check. */
export function pass({ remoteUser }: Pick<Application, 'remoteUser'>, identity: Headers): Answer {
  return { status: 200, headers: { ...identity, ...(remoteUser ? remoteUserOf(identity) : {}) }, body: '' };
}

/** A page is led to the log-in and back; whatever else was asked for did nothing. */
export function sendToLogin(
  reader: Reader,
  { family, uri }: Pick<Asked, 'family' | 'uri'>,
  application: Pick<Application, 'url'>,
  maxAge: MaxAge,
): Answer {
  if (reader.kind !== 'page') return refuseUnknown(reader, application, maxAge);
  const headers = { ...challenge(maxAge), Location: startOf(application, readTarget(uri)) };
  return { status: redirectIn(family), headers, body: '' };
}

function redirectIn(family: Family): number {
  return family === 'nginx' ? 401 : 302;
}

/** For a form or a script's request of somebody who is not logged in. */
export function refuseUnknown(reader: Reader, application: Pick<Application, 'url'>, maxAge: MaxAge): Answer {
  if (reader.kind === 'other') return json(401, errorOf(maxAge), challenge(maxAge));
  const { heading, why, next, link } = reader.text.applications.unsent;
  const page = {
    heading,
    paragraphs: [why, next],
    link: { href: startOf(application, '/'), label: link, newTab: true },
  };
  return pageAnswer(401, reader, page, challenge(maxAge));
}

export function forbid(reader: Reader, why: 'disabled' | 'unknown'): Answer {
  if (reader.kind === 'other') return json(403, { error: 'access_denied' });
  const { [why]: message, heading } = reader.text.applications.refused;
  return pageAnswer(403, reader, { heading: heading(null), paragraphs: [message] });
}

/** What might become more than what was asked about: a path that can be read as another one, a connection that leaves HTTP. */
export function refuseAsked(reader: Reader): Answer {
  if (reader.kind === 'other') return json(400, { error: 'invalid_request' });
  const { heading, message } = reader.text.applications.missing;
  return pageAnswer(400, reader, { heading, paragraphs: [message] });
}

export function away(reader: Reader, status: 500 | 503): Answer {
  const headers: Headers = status === 503 ? { 'Retry-After': String(RETRY_SECONDS) } : {};
  if (reader.kind === 'other') return json(status, { error: 'temporarily_unavailable' }, headers);
  const { heading, message } = reader.text.applications.away;
  return pageAnswer(status, reader, { heading, paragraphs: [message] }, headers);
}

export function pageAnswer(
  status: number,
  { text, serviceName, requestId }: Omit<Reader, 'kind'>,
  page: Omit<PlainPage, 'language' | 'serviceName' | 'trace'>,
  headers: Headers = {},
): Answer {
  const trace = status < 400 || requestId === null ? null : `${text.errors.reference(status)} ${requestId}`;
  const body = plainPage({ language: text.language, serviceName, trace, ...page });
  return { status, headers: { ...PLAIN_PAGE_HEADERS, ...headers }, body };
}

export function json(status: number, body: Readonly<Record<string, unknown>>, headers: Headers = {}): Answer {
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(body) };
}

/** On the host that is registered, whatever host was asked for. */
export function startOf({ url }: Pick<Application, 'url'>, target: string): string {
  return `${url}/.holdfast/start?to=${encodeURIComponent(target)}`;
}

/** RFC 6750 and RFC 9470; of a refusal's headers the one that nginx lets through. */
function challenge(maxAge: MaxAge): Headers {
  const age = maxAge === null ? '' : `, max_age=${maxAge}`;
  return { 'WWW-Authenticate': `Bearer error="${errorOf(maxAge).error}"${age}` };
}

function errorOf(maxAge: MaxAge) {
  return maxAge === null ? { error: 'login_required' } : { error: 'insufficient_user_authentication', max_age: maxAge };
}

/** In one piece, which costs less than a header after another; `more` are headers as they are sent, names and values in turn. */
export function send(response: ServerResponse, { status, headers, body }: Answer, more: readonly string[]): void {
  const sent = [...more, 'Cache-Control', 'no-store', 'Content-Length', String(Buffer.byteLength(body))];
  for (const [name, value] of Object.entries(headers)) sent.push(name, value);
  response.writeHead(status, sent);
  response.end(body);
}

/** A header is bytes: text beyond ASCII is its UTF-8. */
function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
