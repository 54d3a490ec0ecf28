// The end of everybody's sessions, from the overview: it says what will happen, wants a reason, a typed word and a recent
// log-in. The session of the operator who does it goes on: it proved who it is just now, and watches what comes of it.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { Overview } from '../../core/overview.ts';
import { readBody } from '../http/form.ts';
import { seeOther } from '../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../session/access.ts';
import { liveSession } from '../session/request-state.ts';
import type { Web } from '../view/page.ts';
import type { FieldErrors } from '../view/view-parts.ts';

const PATH = '/operator/sessions/end-all';
const WORD = 'everybody';
const MAX_REASON = 300;

function countWords(sessions: Overview['sessions']): string {
  if (sessions === null) return 'all sessions';
  const { count, exact } = sessions;
  return `${exact ? '' : 'about '}${count.toLocaleString('en')} ${count === 1 ? 'session' : 'sessions'}`;
}

interface Given {
  readonly reason: string;
  readonly errors?: FieldErrors;
  readonly problem?: string | null;
}

export function endAllSessionsPage(router: Router, web: Web): void {
  const { everybody, readOverview } = web.context;
  const guards = [requireOperator(web.context), requireRecentLogin(web.context, PATH)] as const;

  router.get(PATH, ...guards, (ctx) => show(ctx, { reason: '' }));

  router.post(PATH, ...guards, async (ctx) => {
    const fields = await readBody(ctx);
    const reason = (fields['reason'] ?? '').trim();
    const errors: Record<string, string> = {};
    if (reason === '') errors['reason'] = 'Say why: the reason is recorded.';
    if (reason.length > MAX_REASON) errors['reason'] = `Use at most ${MAX_REASON} characters.`;
    if ((fields['word'] ?? '').trim().toLowerCase() !== WORD) errors['word'] = `Type “${WORD}”, to be sure.`;
    if (Object.keys(errors).length > 0) {
      ctx.status = 422;
      return show(ctx, { reason, errors });
    }
    const owner = liveSession(ctx)?.owner;
    const { userId: actor = null, id: kept = null } = owner ?? {};
    if (await everybody.ask({ actor, origin: ctx.state.origin, reason, kept })) {
      return seeOther(ctx, '/operator?done=everybody-ended');
    }
    ctx.status = 409;
    await show(ctx, { reason, problem: 'Your own session was ended just before. Nothing was done: log in again.' });
  });

  async function show(ctx: Koa.Context, { reason, errors = {}, problem = null }: Given): Promise<void> {
    const { sessions } = await readOverview();
    const page = { sessions: countWords(sessions), reason, problem, errors };
    await web.show(ctx, 'operator/everybody', page, {
      title: 'End everybody’s sessions',
      current: 'overview',
      wide: true,
    });
  }
}
