// Ending all sessions, from the overview: says what will happen, and asks for a reason, a typed word
// and a recent login. The operator's own session goes on.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Overview } from '../../core/overview.ts';
import { readBody } from '../http/form.ts';
import { seeOther } from '../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../session/access.ts';
import { typedBefore } from '../session/kept-form.ts';
import { memberOf } from '../session/member.ts';
import type { Web } from '../view/page.ts';
import type { FieldErrors } from '../view/view-parts.ts';
import { readReason } from './reason.ts';

const PATH = '/operator/sessions/end-all';
const WORD = 'everybody';

export function endAllSessionsPage(router: Router, web: Web): void {
  const operator = requireOperator(web.context);
  router.get(PATH, operator, (ctx) => show(ctx, web, { reason: typedBefore(ctx, web.context)['reason'] ?? '' }));
  router.post(PATH, operator, requireRecentLogin(web.context, PATH), (ctx) => endAll(ctx, web));
}

async function endAll(ctx: Koa.Context, web: Web): Promise<void> {
  const fields = await readBody(ctx);
  const { reason, problem } = readReason(fields);
  const errors: Record<string, string> = {};
  if (problem) errors['reason'] = problem;
  if ((fields['word'] ?? '').trim().toLowerCase() !== WORD) errors['word'] = `Type “${WORD}”, to be sure.`;
  if (Object.keys(errors).length > 0) {
    ctx.status = 422;
    return show(ctx, web, { reason, errors });
  }
  const { userId: actor, id: kept } = memberOf(ctx);
  const asked = await web.context.endAllSessions.ask({ actor, origin: ctx.state.origin, reason, kept });
  if (asked) return seeOther(ctx, '/operator?done=everybody-ended');
  ctx.status = 409;
  const ended = 'Your own session was ended just before. Nothing was done: log in again.';
  await show(ctx, web, { reason, problem: ended });
}

interface Shown {
  readonly reason: string;
  readonly errors?: FieldErrors;
  readonly problem?: string | null;
}

async function show(ctx: Koa.Context, web: Web, { reason, errors = {}, problem = null }: Shown): Promise<void> {
  const { sessions } = await web.context.readOverview();
  const page = { sessions: countSessions(sessions), reason, problem, errors };
  const frame = { title: 'End everybody’s sessions', current: 'overview', wide: true } as const;
  await web.show(ctx, 'operator/everybody', page, frame);
}

function countSessions(sessions: Overview['sessions']): string {
  if (sessions === null) return 'all sessions';
  const { count, exact } = sessions;
  return `${exact ? '' : 'about '}${count.toLocaleString('en')} ${count === 1 ? 'session' : 'sessions'}`;
}
