// `/api/audit`: the log for auditors' programs, with the filters and pages of the console. A line or an object each, with the
// bytes that were hashed, as in an export. The token stands in a header, never in the address; what it reads is recorded.
import { createHash } from 'node:crypto';
import type Router from '@koa/router';
import type Koa from 'koa';
import type { ApiReader } from '../../../core/accounts/api-tokens.ts';
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import type { ExportedEvent } from '../../../core/audit/event-rows.ts';
import { described } from '../../../core/audit/reading/described.ts';
import { ndjsonLine } from '../../../core/audit/reading/export.ts';
import type { AuditFilter } from '../../../core/audit/reading/query.ts';
import { isDatabaseOutage } from '../../../core/platform/database.ts';
import { keys } from '../../../core/platform/redis.ts';
import type { Throttled } from '../../../core/throttle/refusals.ts';
import { queryText } from '../../http/query.ts';
import type { Web } from '../../view/page.ts';
import { type Asked, auditHref, type ReadFilter, readFilterAlone } from './filter.ts';
import { subjectsOf } from './subjects.ts';

const PATH = '/api/audit';
const USUAL = 100;
const MOST = 1_000;
const ONE_LOOK_SECONDS = 15 * 60;
const RETRY_SECONDS = 5;

interface Page {
  readonly lines: readonly string[];
  /** Where the next page begins; null where there is none. */
  readonly next: { readonly after: number } | { readonly before: number } | null;
}

const ONLY_GET = ['method_not_allowed', `${PATH} is asked by GET, without a body.`] as const;

/** By status. */
const OTHER_ERRORS: Readonly<Record<number, readonly [error: string, message: string]>> = {
  400: ['bad_request', 'The request can’t be understood.'],
  404: ['not_found', `There is nothing here. The log is at ${PATH}.`],
  ...{ 403: ONLY_GET, 405: ONLY_GET, 413: ONLY_GET, 415: ONLY_GET },
  421: ['wrong_host', 'The log is at the host of PUBLIC_URL alone.'],
  500: ['failed', 'Something went wrong here. Try again.'],
  503: ['away', 'A part of the service is away. Try again.'],
};

class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function apiPage(router: Router, web: Web): void {
  router.get(PATH, async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    try {
      await answer(ctx, web);
    } catch (error) {
      if (!(error instanceof ApiError) && !isDatabaseOutage(error)) throw error;
      const said = error instanceof ApiError ? error : new ApiError(503, 'away', 'PostgreSQL is away. Try again.');
      if (said.status === 503) ctx.set('Retry-After', String(RETRY_SECONDS));
      ctx.status = said.status;
      ctx.body = { error: said.code, message: said.message };
    }
  });
}

/** Whether a program asks, which reads no pages. */
export function isOfApi(ctx: Koa.Context): boolean {
  return /^\/api(?:\/|$)/.test(ctx.path);
}

/** What `apiPage` did not answer itself: another path or method, or a fault. */
export function answerApiError(ctx: Koa.Context, status: number): void {
  const [error, message] = OTHER_ERRORS[status] ?? OTHER_ERRORS[status < 500 ? 400 : 500] ?? [];
  ctx.body = { error, message };
}

async function answer(ctx: Koa.Context, web: Web): Promise<void> {
  const { context } = web;
  for (const name of ['token', 'access_token'])
    if (ctx.query[name] !== undefined)
      throw new ApiError(
        400,
        'token_in_address',
        'A token in an address is logged on its way. Send it as a Bearer token.',
      );
  const reader = await readerOf(ctx, web);
  const { asked, filter, problems } = await readFilterAlone(ctx, context.users);
  const [problem] = Object.values(problems);
  if (problem !== undefined) throw new ApiError(422, 'bad_filter', problem);
  const [after, before] = [readNumber(ctx, 'after'), readNumber(ctx, 'before')];
  const limit = readNumber(ctx, 'limit') ?? USUAL;
  if (limit < 1 || limit > MOST) throw new ApiError(422, 'bad_limit', `limit is from 1 to ${MOST}.`);
  if (after !== null && before !== null) throw new ApiError(422, 'bad_cursor', 'Give after or before, not both.');
  const format = readFormat(ctx);
  await noteLook(ctx, web, reader, { asked, filter });
  const page = after === null ? await backwards(web, filter, before, limit) : await onwards(web, filter, after, limit);
  send(ctx, asked, { page, format, limit });
}

/** @throws ApiError 401, also for a token that opens something else; 429 */
async function readerOf(ctx: Koa.Context, { context }: Web): Promise<ApiReader> {
  const { apiTokens, throttle, refusals } = context;
  const { origin } = ctx.state;
  const secret = /^Bearer +(\S{1,200})$/i.exec(ctx.get('Authorization'))?.[1] ?? '';
  const reader = secret === '' ? null : await apiTokens.find(secret);
  if (reader?.scopes.includes('audit')) {
    const about = { subject: reader.userId, origin };
    const refused = await refusals.charge(throttle.takeApi(reader.tokenId), about);
    if (refused) throw tooMany(ctx, refused);
    return reader;
  }
  const about = { subject: reader?.userId ?? null, origin };
  const tried = await refusals.attempt<{ ok: false; reason: 'wrong' }>(
    throttle.takeToken(origin.ip),
    about,
    async ({ record }) => {
      const event = { type: 'api_token_refused', outcome: 'failure', actor: null, ...about } as const;
      if (secret !== '') await record({ ...event, detail: { path: PATH } });
      return { ok: false, reason: 'wrong' };
    },
  );
  if (tried.reason === 'throttled') throw tooMany(ctx, tried);
  ctx.set('WWW-Authenticate', 'Bearer realm="Holdfast"');
  throw new ApiError(
    401,
    'no_token',
    'This needs a token that is good: in the header Authorization, after the word Bearer.',
  );
}

function tooMany(ctx: Koa.Context, { retryAfterMs }: Throttled): ApiError {
  ctx.set('Retry-After', String(Math.ceil(retryAfterMs / 1_000)));
  return new ApiError(429, 'too_many', 'Too many requests. Try again after the seconds in Retry-After.');
}

/**
 * Before anything is read: one filter of one token within a quarter of an hour is one look, or reading would fill the log. As it
 * was asked for: a quick range begins at another moment each time.
 */
async function noteLook(
  ctx: Koa.Context,
  { context }: Web,
  reader: ApiReader,
  { asked, filter }: Pick<ReadFilter, 'asked' | 'filter'>,
): Promise<void> {
  const { redis, record } = context;
  const one = createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
  const key = keys.personRead(reader.tokenId, one, 'api');
  if (await redis.exists(key).catch(() => 0)) return;
  const [subject = null] = await subjectsOf(filter, context);
  const detail = { what: 'api', token: reader.tokenId, filter: JSON.stringify(described(filter)) };
  const about = { actor: reader.userId, subject, origin: ctx.state.origin, detail };
  await record({ type: 'sensitive_read', outcome: 'success', ...about });
  await redis.set(key, '1', 'EX', ONE_LOOK_SECONDS).catch(() => undefined);
}

/** Oldest first, so that a reader who keeps the last cursor misses none. */
async function onwards(
  { context: { auditLog } }: Web,
  filter: AuditFilter,
  after: number,
  limit: number,
): Promise<Page> {
  const { seq: upTo } = await auditLog.head();
  const lines: string[] = [];
  const readTo =
    after >= upTo
      ? after
      : await auditLog.exportable(filter, { after, upTo }, limit, (event) => lines.push(ndjsonLine(event)));
  return { lines, next: { after: Math.max(after, readTo) } };
}

/** Newest first, as the console's pages. */
async function backwards(
  { context: { auditLog } }: Web,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<Page> {
  const { events, hasOlder, lookedTo } = await auditLog.page(filter, before === null ? null : { before }, limit);
  const place = lookedTo ?? events.at(-1)?.seq;
  return {
    lines: events.map((event) => ndjsonLine(exported(event))),
    next: hasOlder && place !== undefined ? { before: place } : null,
  };
}

function exported({ personalHash, personalSalt, prevHash, hash, ...event }: SealedEvent): ExportedEvent {
  return {
    ...event,
    sealedAt: event.sealedAt.toISOString(),
    occurredAt: event.occurredAt.toISOString(),
    personal: personalHash.toString('base64url'),
    personalSalt: personalSalt === null ? null : personalSalt.toString('base64url'),
    prevHash: prevHash.toString('base64url'),
    hash: hash.toString('base64url'),
  };
}

interface Sent {
  readonly page: Page;
  readonly format: 'json' | 'ndjson';
  readonly limit: number;
}

function send(ctx: Koa.Context, asked: Asked, { page: { lines, next }, format, limit }: Sent): void {
  const cursor = next && ('after' in next ? { after: String(next.after) } : { before: String(next.before) });
  const more = format === 'ndjson' ? { format } : {};
  const href = cursor && auditHref(asked, { ...cursor, limit: String(limit), ...more }, PATH);
  if (href) ctx.set('Link', `<${href}>; rel="next"`);
  ctx.type = format === 'json' ? 'application/json; charset=utf-8' : 'application/x-ndjson; charset=utf-8';
  ctx.body =
    format === 'ndjson'
      ? lines.join('')
      : `{"events":[${lines.map((line) => line.trimEnd()).join(',')}],"next":${JSON.stringify(href)}}\n`;
}

function readNumber(ctx: Koa.Context, name: string): number | null {
  if (Array.isArray(ctx.query[name])) throw new ApiError(422, 'bad_number', `${name} is given more than once.`);
  const text = queryText(ctx, name);
  if (text === '') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ApiError(422, 'bad_number', `${name} is a number.`);
}

function readFormat(ctx: Koa.Context): 'json' | 'ndjson' {
  const format =
    queryText(ctx, 'format') ||
    (ctx.accepts('json', 'application/x-ndjson') === 'application/x-ndjson' ? 'ndjson' : 'json');
  if (format === 'json' || format === 'ndjson') return format;
  throw new ApiError(422, 'bad_format', 'format is json or ndjson.');
}
