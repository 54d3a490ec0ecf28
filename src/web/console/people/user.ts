// One user, as operators see them: sessions, factors, recent attempts and events, and links to what
// can be done (user-actions.ts).
import type Router from '@koa/router';
import type Koa from 'koa';
import type { PasswordState } from '../../../core/accounts/account-lookup.ts';
import type { User } from '../../../core/accounts/users.ts';
import { EVERY_EVENT } from '../../../core/audit/reading/query.ts';
import { readLanguage } from '../../../core/platform/languages.ts';
import { seesConsole } from '../../../core/sessions/role.ts';
import type { SessionSight } from '../../../core/sessions/session-table.ts';
import { requireConsole } from '../../session/access.ts';
import { liveSession } from '../../session/request-state.ts';
import { marksInWords, whereabouts } from '../../texts/places.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import type { Times } from '../../texts/zoned-times.ts';
import { doneNotice, timesOf, type Web } from '../../view/page.ts';
import { namesUnder } from '../../view/view-parts.ts';
import type { Views } from '../../view/views.ts';
import { groupHref } from '../applications/find.ts';
import { EXPORT_PATH, verifyCommand } from '../log/export.ts';
import { auditHref } from '../log/filter.ts';
import { accountsOf, auditRow } from '../log/row.ts';
import { sessionHref } from '../sessions/href.ts';
import { refusalWords } from '../words/reasons.ts';
import { findUser, USERS } from './find-user.ts';
import { sessionState } from './session-sentence.ts';

const LATEST = 8;
const LANGUAGE_NAMES = new Intl.DisplayNames('en', { type: 'language' });
const SHOWN_MS = 3_650 * 86_400_000;

type Page = Views['operator/user'];

export function userPage(router: Router, web: Web): void {
  router.get(`${USERS}/:id`, requireConsole(web.context), (ctx) => showUser(ctx, web));
}

async function showUser(ctx: Koa.Context, web: Web): Promise<void> {
  const user = await findUser(ctx, web);
  if (!user) return;
  await web.noteRead(ctx, [user.id], 'account');
  const times = timesOf(ctx);
  const found = await readAll(web, user);
  const { groups, browsers, factors, attempts, blocks, events } = found;
  const emails = await web.context.users.emails(accountsOf(events));
  const page: Page = {
    person: {
      id: user.id,
      email: user.email,
      role: user.role,
      disabled: user.disabledAt !== null,
      memberSince: times.prose(user.createdAt),
      href: `${USERS}/${user.id}`,
    },
    sessions: sessionRows(found, liveSession(ctx)?.owner.id, times),
    ended: found.ended.map((session) => endedRow(session, times)),
    groups: groups.map(({ id, name }) => ({ label: name, href: groupHref(id) })),
    lastLogin: lastLoginOf(user, times),
    password: passwordInWords(found.password, user, times),
    language: mailLanguage(user),
    externalId: user.externalId,
    knownBrowsers: browsers,
    factors: {
      totpSince: factors.totpSince && times.prose(factors.totpSince),
      passkeys: factors.passkeys.length,
      recoveryCodesLeft: factors.recoveryCodesLeft,
    },
    attempts: attemptRows(attempts, times),
    attemptsHref: `/operator/attempts?${new URLSearchParams({ person: user.id, time: 'all' })}`,
    blocks: blocks.filter(({ active }) => active).map(({ untilAt }) => ({ until: times.prose(untilAt) })),
    events: events.map((event) => auditRow(event, emails, {}, times)),
    eventsHref: auditHref({ person: user.id }),
    exportHref: auditHref({ person: user.id }, { format: 'ndjson' }, EXPORT_PATH),
    verifyCommand: verifyCommand(found.publicKey),
    acts: actionsFor(user, found, web),
  };
  const frame = { title: user.email, current: 'people', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/user', page, frame);
}

type Found = Awaited<ReturnType<typeof readAll>>;

async function readAll({ context }: Web, user: User) {
  const { id } = user;
  const { sessions, devices, secondFactors, auditLog, readLoginPlaces } = context;
  const filter = { userId: id, address: null, outcome: null, sinceMs: SHOWN_MS };
  const [live, ended, atApplications, groups, browsers, factors, { attempts }, blocks, { events }, { publicKey }] =
    await Promise.all([
      sessions.list(id),
      sessions.listEnded(id, LATEST),
      sessions.listAtApplications(id),
      context.groups.of(id),
      devices.count(id),
      secondFactors.overview(id),
      context.attempts.page(filter, null, LATEST),
      context.blocks.list(LATEST, id),
      auditLog.page({ ...EVERY_EVENT, person: id }, null, LATEST),
      auditLog.glance(),
    ]);
  const password = await context.users.passwordState(user);
  const logins = await readLoginPlaces(live.map((session) => session.id));
  return {
    live,
    ended,
    logins,
    atApplications,
    groups,
    browsers,
    factors,
    attempts,
    blocks,
    events,
    publicKey,
    password,
  };
}

function sessionRows(
  { live, logins, atApplications }: Found,
  ownId: string | undefined,
  times: Times,
): Page['sessions'] {
  return live.map((session) => ({
    id: session.id,
    device: describeDevice(session.userAgent),
    address: session.ip ?? 'unknown',
    whereabouts: whereabouts(logins.get(session.id)?.place ?? null),
    unusual: marksInWords(logins.get(session.id)?.unusual),
    firstSeen: times.prose(session.createdAt),
    lastSeen: times.prose(session.lastSeenAt),
    current: session.id === ownId,
    timelineHref: sessionHref(session.id),
    applications: namesUnder(session, atApplications),
  }));
}

function passwordInWords(password: PasswordState, { passwordChangedAt }: User, times: Times): Page['password'] {
  if (password.kind === 'own') return { says: 'last changed', since: times.prose(passwordChangedAt) };
  const says =
    password.kind === 'imported'
      ? `imported (${password.scheme}), until they log in`
      : 'none; a link by mail lets them choose one';
  return { says, since: null };
}

function mailLanguage({ language }: User): string {
  const known = readLanguage(language);
  return (known && LANGUAGE_NAMES.of(known)) ?? 'not chosen yet';
}

/** The first, where the log no longer knows of a later one. */
function lastLoginOf({ lastLoginAt, firstLoginAt }: User, times: Times): Page['lastLogin'] {
  const at = lastLoginAt ?? firstLoginAt;
  return at && times.prose(at);
}

function endedRow(session: SessionSight, times: Times): Page['ended'][number] {
  return {
    href: sessionHref(session.id),
    device: describeDevice(session.userAgent),
    address: session.ip,
    began: times.prose(session.createdAt),
    state: sessionState(session, times),
  };
}

function attemptRows(attempts: Found['attempts'], times: Times): Page['attempts'] {
  return attempts.map((attempt) => ({
    occurredAt: times.clock(attempt.occurredAt),
    outcome: attempt.outcome === 'success' ? 'success' : 'failure',
    address: attempt.ip,
    device: describeDevice(attempt.userAgent),
    reason: attempt.reason === null ? '' : refusalWords(attempt.reason),
  }));
}

function actionsFor(user: User, { browsers, factors }: Found, { context: { mail } }: Web): Page['acts'] {
  const disabled = user.disabledAt !== null;
  const hasFactor = factors.totpSince !== null || factors.passkeys.length > 0;
  const actions = [
    { path: 'secure', label: 'Secure this account', applies: true, danger: true },
    { path: 'send-reset', label: 'Send a link for a new password', applies: !disabled && mail.possible },
    { path: 'forget-browsers', label: 'Forget the known browsers', applies: browsers > 0 },
    { path: 'remove-factors', label: 'Remove every second factor', applies: hasFactor, danger: true },
    { path: 'make-operator', label: 'Make an operator', applies: user.role !== 'operator' },
    { path: 'make-auditor', label: 'Make an auditor', applies: user.role !== 'auditor' },
    { path: 'make-member', label: 'Make a member', applies: user.role !== 'member' },
    { path: 'tokens/create', label: 'Make an API token', applies: seesConsole(user.role) && !disabled },
    { path: 'disable', label: 'Disable this account', applies: !disabled, danger: true },
    { path: 'enable', label: 'Enable this account', applies: disabled },
  ];
  return actions
    .filter(({ applies }) => applies)
    .map(({ path, label, danger = false }) => ({ label, href: `${USERS}/${user.id}/${path}`, danger }));
}
