// The applications that Holdfast stands in front of: all of them, and one with its rules, who is in, and what goes into its proxy.
import type Router from '@koa/router';
import type Koa from 'koa';
import { type Application, inWords, settingsOf } from '../../../core/applications/application.ts';
import type { ApplicationSession } from '../../../core/sessions/application-sessions.ts';
import { requireConsole } from '../../session/access.ts';
import { describeDevice } from '../../texts/times-and-devices.ts';
import { doneNotice, type Web } from '../../view/page.ts';
import type { Act, ApplicationRow, EnteredRow, Fact } from '../../view/registry-views.ts';
import type { Views } from '../../view/views.ts';
import { USERS } from '../people/find-user.ts';
import {
  APPLICATIONS,
  applicationHref,
  counted,
  countedOf,
  findApplication,
  groupHref,
  narrowed,
  timeOf,
} from './find.ts';
import { placesOf, recipeCommandOf, recipesOf } from './recipes.ts';

const SHOWN_SESSIONS = 50;

export function applicationsPages(router: Router, web: Web): void {
  const reader = requireConsole(web.context);
  router.get(APPLICATIONS, reader, (ctx) => showApplications(ctx, web));
  router.get(`${APPLICATIONS}/:slug`, reader, (ctx) => showApplication(ctx, web));
}

async function showApplications(ctx: Koa.Context, web: Web): Promise<void> {
  const { applications, applicationSessions } = web.context;
  const [found, counts] = await Promise.all([applications.list(), applicationSessions.counts()]);
  const textOf = ({ name, slug, url }: Application) => `${name} ${slug} ${url}`;
  const { shown, matching, narrowing } = narrowed(ctx, APPLICATIONS, found, textOf);
  const rows = shown.map((application) => applicationRow(application, counts.get(application.id) ?? 0));
  const count = countedOf(matching, found.length, 'application');
  const page = { ...narrowing, rows, count, asOf: timeOf(ctx)(ctx.state.now) };
  const frame = { title: 'Applications', current: 'applications', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/applications', page, frame);
}

async function showApplication(ctx: Koa.Context, web: Web): Promise<void> {
  const application = await findApplication(ctx, web);
  const { id, slug, name, url, disabledAt, createdAt, everybody, groups } = application;
  const { applicationSessions } = web.context;
  const [sessions, counts] = await Promise.all([
    applicationSessions.list(id, SHOWN_SESSIONS),
    applicationSessions.counts(),
  ]);
  const people = sessions.map(({ userId }) => userId);
  await web.noteRead(ctx, people, 'sessions');
  const [time, href] = [timeOf(ctx), applicationHref(slug)];
  const places = placesOf(ctx, application, web.context.config);
  const { recipes, errors } = recipesOf(application, places);
  const page: Views['operator/application'] = {
    ...{ name, slug, url, href, everybody, unproved: web.context.config.registration === 'open' },
    disabled: disabledAt && time(disabledAt),
    since: time(createdAt),
    facts: factsOf(application),
    groups: groups.map((group) => ({ label: group.name, href: groupHref(group.id) })),
    sessions: sessions.map((session) => enteredRow(ctx, href, session)),
    count: countOf(sessions.length, Math.max(counts.get(id) ?? 0, sessions.length)),
    acts: actsFor(application, sessions.length > 0),
    recipes,
    places: { ...places, errors },
    recipeCommand: recipes.length > 0 ? recipeCommandOf(application, places) : null,
    addsTls: url.startsWith('https:'),
    noProxyTrusted: web.context.config.trustedProxies.length === 0,
    eventsHref: `/operator/audit?${new URLSearchParams({ type: 'applications', text: slug })}`,
  };
  const frame = { title: name, current: 'applications', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/application', page, frame);
}

function applicationRow(application: Application, sessions: number): ApplicationRow {
  const { slug, name, url, disabledAt } = application;
  return {
    name,
    href: applicationHref(slug),
    host: new URL(url).host,
    state: disabledAt === null ? 'active' : 'disabled',
    enter: whoEnters(application),
    sessions: sessions.toLocaleString('en'),
  };
}

function whoEnters({ everybody, groups }: Application): string {
  if (everybody) return 'everybody';
  return groups.length === 0 ? 'nobody' : groups.map(({ name }) => name).join(', ');
}

function factsOf(application: Application): Fact[] {
  const words = inWords(settingsOf(application));
  return [
    { label: 'Second factor', value: words.second_factor ? 'needed' : 'as the account has it' },
    { label: 'Recent log-in', value: words.recent_login === null ? 'not needed' : `within ${words.recent_login}` },
    { label: 'Unused for', value: words.idle === null ? 'as long as the person’s session' : `${words.idle} at most` },
    {
      label: 'Lasts',
      value: words.absolute === null ? 'as long as the person’s session' : `${words.absolute} at most`,
    },
    { label: 'Preflights', value: words.preflight ? 'let through' : 'not let through' },
    { label: 'In frames of', value: words.framed_by === '' ? 'nobody' : words.framed_by },
    { label: 'Remote-User', value: words.remote_user ? 'sent too' : 'not sent' },
  ];
}

function enteredRow(
  ctx: Koa.Context,
  href: string,
  { userId, email, userAgent, createdAt, lastSeenAt }: ApplicationSession,
): EnteredRow {
  const time = timeOf(ctx);
  const about = { email, href: `${USERS}/${userId}`, device: describeDevice(userAgent) };
  return { ...about, entered: time(createdAt), lastSeen: time(lastSeenAt), endHref: `${href}/people/${userId}/end` };
}

function countOf(shown: number, all: number): string {
  return all > shown ? `the newest ${shown} of ${counted(all, 'session')}` : counted(all, 'session');
}

function actsFor({ slug, disabledAt }: Application, hasSessions: boolean): Act[] {
  const acts = [
    { path: 'change', label: 'Change', applies: true },
    { path: 'end-sessions', label: 'End every session of it', applies: hasSessions, danger: true },
    { path: 'enable', label: 'Enable it', applies: disabledAt !== null },
    { path: 'disable', label: 'Disable it', applies: disabledAt === null, danger: true },
    { path: 'remove', label: 'Remove it', applies: true, danger: true },
  ];
  return acts
    .filter(({ applies }) => applies)
    .map(({ path, label, danger = false }) => ({ label, href: `${applicationHref(slug)}/${path}`, danger }));
}
