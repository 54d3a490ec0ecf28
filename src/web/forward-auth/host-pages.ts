// The pages under `/.holdfast/` on an application's own host, which its proxy passes on unchecked: where entering begins and ends,
// what is shown instead of a form that was not sent, who is logged in, and logging out. Any other host has none of them.
import type Koa from 'koa';
import { isDatabaseOutage } from '../../core/platform/database.ts';
import { StoresAwayError } from '../../core/sessions/session-reader.ts';
import { HttpError } from '../http/http-error.ts';
import { type Answer, away, forbid, json, pageAnswer, type Reader, refuseUnknown } from './answers.ts';
import { kindOf } from './asked.ts';
import { enterHere, startHere } from './host-entering.ts';
import { logOutHere } from './host-logout.ts';
import type { HostPage, HostPagesOptions } from './host-page.ts';
import { tellSession } from './host-session.ts';

const PREFIX = '/.holdfast/';

type Page = (page: HostPage) => Answer | Promise<Answer>;

/** By the rest of the path; those that change something take a form too. */
const PAGES: Readonly<Record<string, { readonly methods: readonly string[]; readonly show: Page }>> = {
  start: { methods: ['GET'], show: startHere },
  enter: { methods: ['GET'], show: enterHere },
  session: { methods: ['GET', 'HEAD'], show: tellSession },
  logout: { methods: ['GET', 'HEAD', 'POST'], show: logOutHere },
  // Shown by a proxy in the place of what was asked for, by whatever method.
  unsent: { methods: [], show: ({ ctx, reader, application }) => refuseUnknown(reader, application, maxAgeIn(ctx)) },
  // A check refuses nobody but at an application that is turned off, or by a name that is none.
  refused: {
    methods: [],
    show: ({ reader, application: { disabledAt } }) => forbid(reader, disabledAt === null ? 'unknown' : 'disabled'),
  },
};

/** Before whatever wants our own host. */
export function hostPages(options: HostPagesOptions): Koa.Middleware {
  const { config, log, forwardAuth } = options.context;

  async function answer(ctx: Koa.Context, reader: Reader): Promise<Answer | null> {
    const application = await forwardAuth.register.find(({ byHost }) => byHost(ctx.req.headers.host ?? ''));
    if (!application) return null;
    const page = PAGES[nameOf(ctx)];
    const { heading, message } = reader.text.applications.missing;
    if (!page) return pageAnswer(404, reader, { heading, paragraphs: [message] });
    const { methods } = page;
    if (methods.length > 0 && !methods.includes(ctx.method))
      throw new HttpError(405, 'method', { Allow: methods.join(', ') });
    return page.show({ ...options, ctx, application, reader });
  }

  return async (ctx, next) => {
    if (!ctx.path.startsWith(PREFIX)) return next();
    const kind = kindOf(ctx.method, ctx.req.headers);
    const { text, origin } = ctx.state;
    const reader = { kind, text, serviceName: config.serviceName, requestId: origin.requestId };
    const answered = await answer(ctx, reader).catch((error: unknown) => {
      if (error instanceof HttpError) return refusal(error, reader);
      if (!(error instanceof StoresAwayError) && !isDatabaseOutage(error)) throw error;
      log.warn({ err: error, requestId: origin.requestId, path: ctx.path }, 'a request failed');
      return away(reader, 503);
    });
    if (answered === null) return next();
    ctx['_matchedRoute'] = PREFIX + nameOf(ctx);
    give(ctx, answered);
  };
}

/** In what the check said, by nginx, which gives the answer's words but not the check's: RFC 9470. */
function maxAgeIn(ctx: Koa.Context): number | null {
  const [, seconds] = /, max_age=(\d{1,9})$/.exec(ctx.get('Holdfastchallenge')) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/** Of a page that there is; else empty. */
function nameOf(ctx: Koa.Context): string {
  const name = ctx.path.slice(PREFIX.length);
  return Object.hasOwn(PAGES, name) ? name : '';
}

/** Our own error page needs what this host has not. */
function refusal({ status, reason, headers }: HttpError, reader: Reader): Answer {
  if (reader.kind === 'other') return json(status, { error: reason }, headers);
  const { errors } = reader.text;
  const { heading, message } = reason === 'forged' ? errors.forged : status === 405 ? errors[405] : errors[400];
  return pageAnswer(status, reader, { heading, paragraphs: [message] }, headers);
}

function give(ctx: Koa.Context, { status, headers, body }: Answer): void {
  ctx.status = status;
  ctx.body = body;
  ctx.remove('Strict-Transport-Security'); // for the application to say of its host
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value);
  ctx.set('Cache-Control', 'no-store');
}
