// Registering an application and changing its settings: one form, which says first what it does.
import type Router from '@koa/router';
import type Koa from 'koa';
import { type Application, inWords, settingsOf } from '../../../core/applications/application.ts';
import type { TypedSettings } from '../../../core/applications/typed-settings.ts';
import type { ListedGroup } from '../../../core/groups/groups.ts';
import { type Fields, readBody } from '../../http/form.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireOperator, requireRecentLogin } from '../../session/access.ts';
import { typedBefore } from '../../session/kept-form.ts';
import { actorOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import type { TypedApplication } from '../../view/registry-views.ts';
import type { FieldErrors } from '../../view/view-parts.ts';
import { readReason } from '../reason.ts';
import { CHANGE_PROBLEMS } from './application-acts.ts';
import { APPLICATIONS, applicationHref, findApplication } from './find.ts';
import { readSeen } from './registry-act.ts';

const NEW: TypedApplication = {
  slug: '',
  name: '',
  url: '',
  everybody: false,
  secondFactor: false,
  recentLogin: '',
  idle: '',
  absolute: '',
  preflight: false,
  framedBy: '',
  remoteUser: false,
};

const RARE = ['secondFactor', 'recentLogin', 'idle', 'absolute', 'preflight', 'framedBy', 'remoteUser'] as const;

export function applicationForms(router: Router, web: Web): void {
  const register = `${APPLICATIONS}/register`;
  const change = `${APPLICATIONS}/:slug/change`;
  const operator = requireOperator(web.context);
  const recent = (path: string) => requireRecentLogin(web.context, path);
  router.get(register, operator, (ctx) => open(ctx, web, null));
  router.post(register, operator, recent(register), (ctx) => save(ctx, web, null));
  router.get(change, operator, async (ctx) => open(ctx, web, await findApplication(ctx, web)));
  router.post(change, operator, recent(change), async (ctx) => save(ctx, web, await findApplication(ctx, web)));
}

/** As it is, or as it was typed before the operator had to confirm who they are. */
async function open(ctx: Koa.Context, web: Web, before: Application | null): Promise<void> {
  const fields = typedBefore(ctx, web.context);
  if (Object.keys(fields).length === 0) {
    return show(
      ctx,
      web,
      before ? { before, typed: typedFrom(before), groups: namesOf(before) } : { before, typed: NEW },
    );
  }
  const groups = namesOf({ groups: await chosenGroups(web, fields) });
  await show(ctx, web, { before, typed: readTyped(fields), groups, reason: fields['reason'] ?? '' });
}

async function chosenGroups({ context }: Web, fields: Fields): Promise<ListedGroup[]> {
  return (await context.groups.list()).filter(({ id }) => fields[fieldOf(id)] === 'on');
}

async function save(ctx: Koa.Context, web: Web, before: Application | null): Promise<void> {
  const fields = await readBody(ctx);
  const { reason, problem } = readReason(fields);
  const typed = readTyped(fields);
  const groups = await chosenGroups(web, fields);
  const seen = readSeen(fields, before?.version ?? 0);
  const again = { before, typed, groups: groups.map(({ name }) => name), reason, seen };
  if (problem !== null) {
    const errors = web.context.applications.problemsOf(settingsFrom(typed, again.groups), before ? null : typed.slug);
    return refuse(ctx, web, 422, { ...again, errors: { ...errors, reason: problem } });
  }
  const chosen = Object.keys(fields).filter((name) => name.startsWith('group_'));
  if (chosen.length > groups.length) {
    const gone = 'A group that you chose was removed meanwhile. Look again at who may enter.';
    return refuse(ctx, web, 422, { ...again, errors: { groups: gone } });
  }
  const settings = settingsFrom(typed, again.groups);
  const by = { ...actorOf(ctx), reason, seen };
  const { applications } = web.context;
  const result = await (before
    ? applications.change(before.id, settings, by)
    : applications.register(typed.slug, settings, by));
  if (result.ok) {
    const done = before ? 'application-changed' : 'application-registered';
    return seeOther(ctx, `${applicationHref(result.application.slug)}?done=${done}`);
  }
  if (result.reason === 'problems') return refuse(ctx, web, 422, { ...again, errors: result.problems });
  const now = before && (await web.context.applications.find(before.id));
  return refuse(ctx, web, 409, {
    ...again,
    before: now,
    seen: now?.version ?? seen,
    problem: CHANGE_PROBLEMS[result.reason],
  });
}

interface Shown {
  readonly before: Application | null;
  readonly typed: TypedApplication;
  /** The names of those that are chosen. */
  readonly groups?: readonly string[];
  readonly reason?: string;
  readonly seen?: number;
  readonly problem?: string;
  readonly errors?: FieldErrors;
}

function refuse(ctx: Koa.Context, web: Web, status: number, shown: Shown): Promise<void> {
  ctx.status = status;
  return show(ctx, web, shown);
}

async function show(ctx: Koa.Context, web: Web, { before, typed, errors = {}, ...shown }: Shown): Promise<void> {
  const chosen = new Set(shown.groups);
  const listed = (await web.context.groups.list()).map(({ id, name }) => ({
    field: fieldOf(id),
    name,
    checked: chosen.has(name),
  }));
  // Those that may enter stand first: of hundreds nobody would find them.
  const groups = [...listed.filter(({ checked }) => checked), ...listed.filter(({ checked }) => !checked)];
  const title = before ? `Change ${before.name}` : 'Register an application';
  const page = {
    title,
    says: before ? CHANGES : REGISTERS,
    slug: before?.slug ?? null,
    action: ctx.path,
    button: before ? 'Change it' : 'Register it',
    back: before ? applicationHref(before.slug) : APPLICATIONS,
    seen: shown.seen ?? before?.version ?? 0,
    typed,
    unproved: web.context.config.registration === 'open',
    rare: RARE.some((name) => typed[name] !== NEW[name] || errors[name] !== undefined),
    groups,
    reason: shown.reason ?? '',
    problem: shown.problem ?? null,
    errors,
  };
  await web.show(ctx, 'operator/application-form', page, { title, current: 'applications', wide: true });
}

const REGISTERS =
  'Say here who may enter it. Then set up its proxy, which asks Holdfast about each request: its configuration is shown once you have registered it.';

const CHANGES =
  'What the new settings no longer allow ends at once, in every browser: sessions of people who may not enter any more, of log-ins without the second factor that it needs now, and every session where its origin changes or a limit gets shorter.';

/** A form's names are letters and digits. */
function fieldOf(groupId: string): string {
  return `group_${groupId.replaceAll('-', '')}`;
}

function readTyped(fields: Fields): TypedApplication {
  const text = (name: string) => (fields[name] ?? '').trim();
  const checked = (name: string) => fields[name] === 'on';
  return {
    slug: text('slug'),
    name: text('name'),
    url: text('url'),
    everybody: text('enter') === 'everybody',
    secondFactor: checked('secondFactor'),
    recentLogin: text('recentLogin'),
    idle: text('idle'),
    absolute: text('absolute'),
    preflight: checked('preflight'),
    framedBy: text('framedBy'),
    remoteUser: checked('remoteUser'),
  };
}

function settingsFrom({ slug: _, framedBy, ...typed }: TypedApplication, groups: readonly string[]): TypedSettings {
  return { ...typed, groups, framedBy: framedBy.split(/[\s,]+/).filter((origin) => origin !== '') };
}

function typedFrom(application: Application): TypedApplication {
  const { slug, name, url, everybody, secondFactor, preflight, framedBy, remoteUser } = application;
  const words = inWords(settingsOf(application));
  const [recentLogin, idle, absolute] = [words.recent_login ?? '', words.idle ?? '', words.absolute ?? ''];
  const times = { recentLogin, idle, absolute };
  return { slug, name, url, everybody, secondFactor, ...times, preflight, framedBy: framedBy.join(' '), remoteUser };
}

function namesOf({ groups }: { readonly groups: readonly Pick<ListedGroup, 'name'>[] }): string[] {
  return groups.map(({ name }) => name);
}
