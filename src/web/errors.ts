// The one path for errors: what was thrown becomes a page with its own sentence and next step. Stands outside the session,
// so that cookies set before an error are kept; an outage is 503 with Retry-After, and changes nothing.
import type Koa from 'koa';
import { isDatabaseOutage } from '../core/database.ts';
import type { Log } from '../core/log.ts';
import { HashQueueFullError } from '../core/passwords.ts';
import { StoresAwayError } from '../core/session-store.ts';
import type { Views } from './views.ts';

/** A refusal that a page or middleware decided on; `reason` is for the log and picks the sentence. */
export class HttpError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, reason: string, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${reason}`);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

type ErrorPage = Views['error'];
type Words = Pick<ErrorPage, 'heading' | 'message' | 'next'>;

const HOME = { href: '/', label: 'Go to the front page' } as const;
const OUTAGE_RETRY_SECONDS = 10;
const BUSY_RETRY_SECONDS = 5;

const WORDS: Readonly<Record<number, Words>> = {
  400: {
    heading: 'This request could not be read',
    message: 'Something in it was broken on the way. Go back and send the form again.',
    next: HOME,
  },
  403: {
    heading: 'You may not see this page',
    message: 'Your account has no access to it. If it should have, ask an operator.',
    next: HOME,
  },
  404: { heading: 'There is no page here', message: 'The address may be mistyped, or the page was moved.', next: HOME },
  405: {
    heading: 'This page can’t be asked that way',
    message: 'It exists, but not for this kind of request.',
    next: HOME,
  },
  413: {
    heading: 'That was too much',
    message: 'What was sent is larger than this page takes. Nothing was changed.',
    next: HOME,
  },
  415: {
    heading: 'This page takes forms only',
    message: 'What was sent is of a type that it can’t read. Nothing was changed.',
    next: HOME,
  },
  421: {
    heading: 'This server does not answer for that address',
    message: 'Check the address that you asked for.',
    next: null,
  },
  500: {
    heading: 'Something went wrong on our side',
    message: 'Nothing was changed. It was written down; if it happens again, tell an operator the number below.',
    next: HOME,
  },
  503: {
    heading: 'This can’t be done right now',
    message: 'A part of the service is away for a moment. You are still logged in; try again shortly.',
    next: HOME,
  },
};

const STALE_FORM: Words = {
  heading: 'This form is too old to send',
  message:
    'You logged in or out since it was opened, or cookies are turned off. Nothing was changed. Open it again and send it once more.',
  next: { href: '/login', label: 'Go to the log-in' },
};

const BUSY: Words = {
  heading: 'Too many people are logging in right now',
  message: 'Nothing is wrong with what you typed, and nothing was changed. Try again in a few seconds.',
  next: { href: '/login', label: 'Go to the log-in' },
};

export type RenderError = (ctx: Koa.Context, page: ErrorPage) => Promise<void>;

/** Catches what the rest of the application throws. `render` may fail too: then the page is plain text. */
export function errors({ log, render }: { log: Log; render: RenderError }): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status >= 400 && ctx.body === undefined) throw new HttpError(ctx.status, 'no_page'); // no route, or not so asked
    } catch (error) {
      const { status, words, retryAfterSeconds } = judge(error);
      const requestId = ctx.state.origin.requestId ?? '';
      if (status >= 500)
        log[status === 500 ? 'error' : 'warn']({ err: error, requestId, path: ctx.path }, 'a request failed');
      copyHeaders(ctx, error);
      ctx.status = status;
      ctx.set('Cache-Control', 'no-store');
      if (retryAfterSeconds !== null) ctx.set('Retry-After', String(retryAfterSeconds));
      if (status === 413) ctx.set('Connection', 'close');
      const page: ErrorPage = { status, ...words, requestId, retryAt: null };
      await render(ctx, page).catch((failure: unknown) => {
        log.error({ err: failure, requestId }, 'an error page could not be rendered');
        ctx.type = 'text';
        ctx.body = `${words.heading}. ${words.message} (${requestId})`;
      });
      ctx.status = status;
    }
  };
}

function judge(error: unknown): { status: number; words: Words; retryAfterSeconds: number | null } {
  if (error instanceof HashQueueFullError) return { status: 503, words: BUSY, retryAfterSeconds: BUSY_RETRY_SECONDS };
  if (error instanceof StoresAwayError || isDatabaseOutage(error)) {
    return { status: 503, words: wordsFor(503), retryAfterSeconds: OUTAGE_RETRY_SECONDS };
  }
  if (error instanceof HttpError && error.reason === 'stale_form')
    return { status: 403, words: STALE_FORM, retryAfterSeconds: null };
  const { status } = error as { status?: unknown };
  const known = typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
  return { status: known, words: wordsFor(known), retryAfterSeconds: null };
}

function wordsFor(status: number): Words {
  const words = WORDS[status] ?? WORDS[status < 500 ? 400 : 500];
  if (!words) throw new Error(`no words for ${status}`);
  return words;
}

/** A refusal may bring headers of its own, such as Allow. */
function copyHeaders(ctx: Koa.Context, error: unknown): void {
  const { headers } = error as { headers?: Record<string, string> };
  if (headers) ctx.set(headers);
}
