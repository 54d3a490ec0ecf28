// The one path for errors: each becomes a page with its sentence and next step, an outage a 503
// with Retry-After. Stands outside the session, so that cookies set before an error are kept.
import type Koa from 'koa';
import { HashQueueFullError } from '../../core/credentials/passwords.ts';
import { isDatabaseOutage } from '../../core/platform/database.ts';
import type { Log } from '../../core/platform/log.ts';
import { parseUrl } from '../../core/platform/parse-url.ts';
import { StoresAwayError } from '../../core/sessions/session-reader.ts';
import { readNext } from '../http/form.ts';
import { HttpError } from '../http/http-error.ts';
import { liveSession } from '../session/request-state.ts';
import type { Texts } from '../texts/en.ts';
import { whenAgain } from '../texts/times-and-devices.ts';
import { zoneOf } from '../texts/zone.ts';
import type { Views } from './views.ts';

type ErrorPage = Views['error'];
/** By status, and three by what happened. */
type Sentence = Exclude<keyof Texts['errors'], 'reference' | 'retry' | 'allowed'>;
type NextStep = (ctx: Koa.Context, publicOrigin: string) => string;

const OUTAGE_RETRY_SECONDS = 10;
const BUSY_RETRY_SECONDS = 5;

const home: NextStep = () => '/';

const NEXT: Readonly<Record<Sentence, NextStep>> = {
  400: formOrHome,
  403: (ctx) => (liveSession(ctx) ? '/profile' : '/login'),
  404: home,
  405: home,
  413: formOrHome,
  415: formOrHome,
  421: (_ctx, publicOrigin) => `${publicOrigin}/`,
  422: formOrHome,
  429: home,
  500: home,
  503: formOrHome,
  busy: formOrHome,
  forged: home,
  stale: formOrHome,
};

export type RenderError = (ctx: Koa.Context, page: ErrorPage) => Promise<void>;

interface ErrorsOptions {
  readonly log: Log;
  readonly publicOrigin: string;
  readonly render: RenderError;
}

/** If `render` fails too, the page is plain text. */
export function errors({ log, publicOrigin, render }: ErrorsOptions): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status >= 400 && ctx.body === undefined) throw new HttpError(ctx.status, 'no_page'); // no route, or another method
    } catch (error) {
      const { status, sentence, retryAfterSeconds } = judge(error);
      const { heading, message: said, next: label } = ctx.state.text.errors[sentence];
      const requestId = ctx.state.origin.requestId ?? '';
      if (status >= 500) log[levelOf(error, status)]({ err: error, requestId, path: ctx.path }, 'a request failed');
      copyHeaders(ctx, error);
      const message = status === 405 ? `${allowedWords(ctx)} ${said}` : said;
      ctx.status = status;
      ctx.set('Cache-Control', 'no-store');
      if (retryAfterSeconds !== null) ctx.set('Retry-After', String(retryAfterSeconds));
      if (status === 413) ctx.set('Connection', 'close');
      const step = { href: NEXT[sentence](ctx, publicOrigin), label };
      await render(ctx, { status, heading, message, next: step, requestId, retryAt: retryAt(ctx, status) }).catch(
        (failure: unknown) => {
          log.error({ err: failure, requestId }, 'an error page could not be rendered');
          ctx.type = 'text';
          ctx.body = `${heading}. ${message} (${requestId})`;
        },
      );
      ctx.status = status;
    }
  };
}

/** Who asks for too many hashes could fill the program's log as well; the metrics count the answers. */
function levelOf(error: unknown, status: number): 'error' | 'warn' | 'debug' {
  if (error instanceof HashQueueFullError) return 'debug';
  return status === 500 ? 'error' : 'warn';
}

interface Judged {
  readonly status: number;
  readonly sentence: Sentence;
  readonly retryAfterSeconds: number | null;
}

function judge(error: unknown): Judged {
  if (error instanceof HashQueueFullError) {
    return { status: 503, sentence: 'busy', retryAfterSeconds: BUSY_RETRY_SECONDS };
  }
  if (error instanceof StoresAwayError || isDatabaseOutage(error)) {
    return { status: 503, sentence: 503, retryAfterSeconds: OUTAGE_RETRY_SECONDS };
  }
  const { status } = error as { status?: unknown };
  const known = typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
  return { status: known, sentence: sentenceFor(error, known), retryAfterSeconds: null };
}

function sentenceFor(error: unknown, status: number): Sentence {
  if (error instanceof HttpError && error.reason === 'stale_form') return 'stale';
  if (error instanceof HttpError && error.reason === 'forged') return 'forged';
  if (Object.hasOwn(NEXT, status)) return status as Sentence;
  return status < 500 ? 400 : 500;
}

/** What the page does take, by its `Allow`. */
function allowedWords(ctx: Koa.Context): string {
  const methods = (ctx.response.get('Allow') || 'GET, POST').split(', ');
  const { page, form, both } = ctx.state.text.errors.allowed;
  if (methods.includes('GET')) return methods.includes('POST') ? both : page;
  return form;
}

/** The page with the form: a path of ours from Referer. */
export function formOrHome(ctx: Koa.Context): string {
  if (ctx.method === 'GET') return readNext(ctx.url) ?? '/';
  const referrer = parseUrl(ctx.get('Referer'));
  return referrer?.host === ctx.get('Host') ? (readNext(referrer.pathname + referrer.search) ?? '/') : '/';
}

/** When who did something too often may do it again. */
function retryAt(ctx: Koa.Context, status: number): ErrorPage['retryAt'] {
  const seconds = Number(ctx.response.get('Retry-After'));
  if (status !== 429 || !Number.isSafeInteger(seconds) || seconds < 1) return null;
  const { now, text } = ctx.state;
  const iso = new Date(now.getTime() + seconds * 1_000).toISOString();
  return { text: whenAgain(seconds, now, text, zoneOf(ctx)), iso };
}

function copyHeaders(ctx: Koa.Context, error: unknown): void {
  const { headers } = error as { headers?: Record<string, string> };
  if (headers) ctx.set(headers);
}
