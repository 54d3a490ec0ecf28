// One person, as operators see them: where they are logged in, what protects the account, what was tried on it and what
// happened. What can be done to it is in person-acts.ts.
import type Router from '@koa/router';
import type { ListedUser } from '../../../core/accounts/users.ts';
import { EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import { requireOperator } from '../../session/access.ts';
import { liveSession } from '../../session/request-state.ts';
import { describeDevice, showTime } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import type { Views } from '../../view/views.ts';
import { accountsOf, rowOf } from '../log/row.ts';

const PATH = '/operator/users';
/** So many of the newest attempts and events are shown. */
const LATEST = 8;
const SHOWN_MS = 3_650 * 86_400_000;

export function userPage(router: Router, web: Web): void {
  const { users, sessions, devices, secondFactors, throttleRecords, auditLog, mail } = web.context;
  const operator = requireOperator(web.context);

  router.get(`${PATH}/:id`, operator, async (ctx) => {
    const user = await find(ctx['params'].id);
    await web.noteRead(ctx, [user.id], 'account');
    const own = liveSession(ctx)?.owner;
    const now = new Date();
    const [live, browsers, factors, attempts, blocks, events] = await Promise.all([
      sessions.list(user.id),
      devices.count(user.id),
      secondFactors.overview(user.id),
      throttleRecords.attempts({ userId: user.id, address: null, outcome: null, sinceMs: SHOWN_MS }, null, LATEST),
      throttleRecords.blocks(LATEST, user.id),
      auditLog.page({ ...EVERY_EVENT, person: user.id }, null, LATEST),
    ]);
    const emails = await users.emails(accountsOf(events.events));
    const page: Views['operator/user'] = {
      person: {
        id: user.id,
        email: user.email,
        role: user.role,
        disabled: user.disabledAt !== null,
        memberSince: showTime(user.createdAt, now),
        href: `${PATH}/${user.id}`,
      },
      sessions: live.map((session) => ({
        id: session.id,
        device: describeDevice(session.userAgent),
        address: session.ip ?? 'unknown',
        firstSeen: showTime(session.createdAt, now),
        lastSeen: showTime(session.lastSeenAt, now),
        current: session.id === own?.id,
      })),
      knownBrowsers: browsers,
      factors: {
        totpSince: factors.totpSince === null ? null : showTime(factors.totpSince, now),
        passkeys: factors.passkeys.length,
        recoveryCodesLeft: factors.recoveryCodesLeft,
      },
      attempts: attempts.attempts.map((attempt) => ({
        occurredAt: showTime(attempt.occurredAt, now),
        outcome: attempt.outcome === 'success' ? 'success' : 'failure',
        address: attempt.ip,
        device: describeDevice(attempt.userAgent),
      })),
      attemptsHref: `/operator/attempts?${new URLSearchParams({ person: user.email, time: 'all' })}`,
      blocks: blocks.filter(({ active }) => active).map(({ untilAt }) => ({ until: showTime(untilAt, now) })),
      events: events.events.map((event) => rowOf(event, emails, {}, now)),
      eventsHref: `/operator/audit?${new URLSearchParams({ person: user.email })}`,
      acts: actsFor(user, { browsers, hasFactor: factors.totpSince !== null || factors.passkeys.length > 0 }),
    };
    const frame = { title: user.email, current: 'people', wide: true, notice: doneNotice(ctx) } as const;
    await web.show(ctx, 'operator/user', page, frame);
  });

  /** The acts that apply to an account as it is. */
  function actsFor(
    user: ListedUser,
    { browsers, hasFactor }: { browsers: number; hasFactor: boolean },
  ): Views['operator/user']['acts'] {
    const disabled = user.disabledAt !== null;
    const acts = [
      { path: 'send-reset', label: 'Send a link for a new password', applies: !disabled && mail.possible },
      { path: 'forget-browsers', label: 'Forget the known browsers', applies: browsers > 0 },
      { path: 'remove-factors', label: 'Remove every second factor', applies: hasFactor, danger: true },
      { path: 'make-operator', label: 'Make an operator', applies: user.role === 'member' },
      { path: 'make-member', label: 'Make a member', applies: user.role === 'operator' },
      { path: 'disable', label: 'Disable this account', applies: !disabled, danger: true },
      { path: 'enable', label: 'Enable this account', applies: disabled },
    ];
    return acts
      .filter(({ applies }) => applies)
      .map(({ path, label, danger = false }) => ({ label, href: `${PATH}/${user.id}/${path}`, danger }));
  }

  async function find(id: unknown): Promise<ListedUser> {
    const user = isUuid(id) ? await users.find(id) : null;
    if (!user) throw new HttpError(404, 'no_account');
    return user;
  }
}
