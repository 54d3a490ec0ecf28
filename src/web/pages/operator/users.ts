// People, as operators see them: who has an account, where each is logged in, and the end of any of their sessions.
import type Router from '@koa/router';
import type { ListedUser } from '../../../core/users.ts';
import { requireOperator } from '../../access.ts';
import { HttpError } from '../../http-error.ts';
import { doneNotice, seeOther, type Web } from '../../page.ts';
import { isUuid, queryText } from '../../query.ts';
import { liveSession } from '../../state.ts';
import type { PersonRow } from '../../views.ts';
import { describeDevice, showTime } from '../../words.ts';

const PATH = '/operator/users';
const PAGE_SIZE = 50;

export function usersPages(router: Router, web: Web): void {
  const { users, sessions, record } = web.context;
  const operator = requireOperator(web.context);

  router.get(PATH, operator, async (ctx) => {
    const query = queryText(ctx, 'q');
    const found = await users.search({ text: query, after: queryText(ctx, 'after'), limit: PAGE_SIZE + 1 });
    const shown = found.slice(0, PAGE_SIZE);
    const last = shown.at(-1);
    const more = found.length > PAGE_SIZE && last !== undefined;
    const next = new URLSearchParams({ ...(query === '' ? {} : { q: query }), after: last?.email.toLowerCase() ?? '' });
    const now = new Date();
    const page = {
      people: shown.map((user) => personRow(user, now)),
      query,
      nextHref: more ? `${PATH}?${next}` : null,
    };
    await web.show(ctx, 'operator/users', page, { title: 'People', current: 'people', notice: doneNotice(ctx) });
  });

  router.get(`${PATH}/:id`, operator, async (ctx) => {
    const user = await find(ctx['params'].id);
    const own = liveSession(ctx)?.owner;
    const about = { actor: own?.userId ?? null, subject: user.id, session: own?.id ?? null, origin: ctx.state.origin };
    await record({ type: 'sensitive_read', outcome: 'success', ...about, detail: { what: 'account and sessions' } });
    const now = new Date();
    const rows = (await sessions.list(user.id)).map((session) => ({
      id: session.id,
      device: describeDevice(session.userAgent),
      address: session.ip ?? 'unknown',
      firstSeen: showTime(session.createdAt, now),
      lastSeen: showTime(session.lastSeenAt, now),
      current: session.id === own?.id,
    }));
    const eventsHref = `/operator/audit?${new URLSearchParams({ person: user.email })}`;
    const page = { person: personRow(user, now), sessions: rows, eventsHref };
    await web.show(ctx, 'operator/user', page, {
      title: user.email,
      current: 'people',
      wide: true,
      notice: doneNotice(ctx),
    });
  });

  router.post(`${PATH}/:id/sessions/:sessionId/revoke`, operator, async (ctx) => {
    const user = await find(ctx['params'].id);
    const sessionId: unknown = ctx['params'].sessionId;
    if (!isUuid(sessionId)) throw new HttpError(404, 'no_session');
    const actor = liveSession(ctx)?.owner.userId ?? null;
    await sessions.end(
      { sessionId, ownerId: user.id },
      { reason: 'revoked_by_operator', actor, origin: ctx.state.origin },
    );
    seeOther(ctx, `${PATH}/${user.id}?done=session-ended`);
  });

  router.post(`${PATH}/:id/sessions/revoke-all`, operator, async (ctx) => {
    const user = await find(ctx['params'].id);
    const actor = liveSession(ctx)?.owner.userId ?? null;
    await sessions.end({ userId: user.id }, { reason: 'revoked_by_operator', actor, origin: ctx.state.origin });
    seeOther(ctx, `${PATH}/${user.id}?done=sessions-ended`);
  });

  async function find(id: unknown): Promise<ListedUser> {
    const user = isUuid(id) ? await users.find(id) : null;
    if (!user) throw new HttpError(404, 'no_account');
    return user;
  }
}

function personRow(user: ListedUser, now: Date): PersonRow {
  return {
    id: user.id,
    email: user.email,
    role: user.role,
    disabled: user.disabledAt !== null,
    memberSince: showTime(user.createdAt, now),
    href: `${PATH}/${user.id}`,
  };
}
