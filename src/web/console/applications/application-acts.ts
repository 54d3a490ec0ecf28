// What an operator does to an application as it is: disable, enable, remove, end its sessions.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { User } from '../../../core/accounts/users.ts';
import type { Application } from '../../../core/applications/application.ts';
import type { ApplicationChangeResult, Applications } from '../../../core/applications/applications.ts';
import type { Actor } from '../../../core/audit/events.ts';
import { HttpError } from '../../http/http-error.ts';
import { isUuid } from '../../http/query.ts';
import type { Web } from '../../view/page.ts';
import type { Fact } from '../../view/registry-views.ts';
import { USERS } from '../people/find-user.ts';
import { APPLICATIONS, applicationHref, findApplication } from './find.ts';
import { registryAct } from './registry-act.ts';

export const CHANGE_PROBLEMS = {
  no_application: 'This application was removed meanwhile. Nothing was done.',
  changed_meanwhile:
    'This application was changed while you decided; the page shows how it stands now. Nothing was done. Look again before you go on.',
  unchanged: 'It is like this already. Nothing was changed.',
} as const;

interface StateAct {
  readonly path: string;
  readonly title: (name: string) => string;
  readonly says: string;
  readonly button: string;
  readonly danger: boolean;
  readonly run: (applications: Applications, id: string, by: Actor) => Promise<ApplicationChangeResult>;
  readonly to: (slug: string) => string;
}

const STATE_ACTS: readonly StateAct[] = [
  {
    path: 'disable',
    title: (name) => `Disable ${name}`,
    says: 'Nobody enters until it is enabled again, and every session at it ends at once. Its settings stay.',
    button: 'Disable it',
    danger: true,
    run: (applications, id, by) => applications.setDisabled(id, true, by),
    to: (slug) => `${applicationHref(slug)}?done=application-disabled`,
  },
  {
    path: 'enable',
    title: (name) => `Enable ${name}`,
    says: 'Whoever its rules let in can enter again. Sessions that ended stay ended.',
    button: 'Enable it',
    danger: false,
    run: (applications, id, by) => applications.setDisabled(id, false, by),
    to: (slug) => `${applicationHref(slug)}?done=application-enabled`,
  },
  {
    path: 'remove',
    title: (name) => `Remove ${name}`,
    says: 'Its settings are gone, and every session at it ends at once. The proxy in front of it lets nobody through any more. Groups and accounts stay.',
    button: 'Remove it',
    danger: true,
    run: (applications, id, by) => applications.remove(id, by),
    to: () => `${APPLICATIONS}?done=application-removed`,
  },
];

export function applicationActs(router: Router, web: Web): void {
  for (const act of STATE_ACTS) stateAct(router, web, act);
  endSessions(router, web);
  endSessionsOfOne(router, web);
}

function stateAct(router: Router, web: Web, act: StateAct): void {
  registryAct<Application>(router, web, {
    path: `${APPLICATIONS}/:slug/${act.path}`,
    current: 'applications',
    find: findApplication,
    shown: (application) => ({
      ...{ says: act.says, button: act.button, danger: act.danger },
      title: act.title(application.name),
      facts: factsOf(application),
      back: applicationHref(application.slug),
      seen: application.version,
    }),
    async run({ context: { applications } }, { id, slug }, { by }) {
      const result = await act.run(applications, id, by);
      if (result.ok) return { to: act.to(slug) };
      return result.reason === 'problems' ? { errors: result.problems } : { problem: CHANGE_PROBLEMS[result.reason] };
    },
  });
}

function endSessions(router: Router, web: Web): void {
  registryAct<Application>(router, web, {
    path: `${APPLICATIONS}/:slug/end-sessions`,
    current: 'applications',
    find: findApplication,
    shown: (application) => ({
      title: `End every session at ${application.name}`,
      says: 'Everybody is out of it at once, and can enter again without a new log-in. Their own sessions go on, and those at other applications.',
      facts: factsOf(application),
      button: 'End every session of it',
      danger: true,
      back: applicationHref(application.slug),
    }),
    async run({ context: { applications } }, { id, slug }, { by }) {
      await applications.endSessions(id, by);
      return { to: `${applicationHref(slug)}?done=sessions-at-it-ended` };
    },
  });
}

function endSessionsOfOne(router: Router, web: Web): void {
  registryAct<{ application: Application; user: User }>(router, web, {
    path: `${APPLICATIONS}/:slug/people/:userId/end`,
    current: 'applications',
    find: async (ctx) => ({ application: await findApplication(ctx, web), user: await findPerson(ctx, web) }),
    shown: ({ application, user }) => ({
      title: `End somebody’s sessions at ${application.name}`,
      says: 'In every browser of theirs they are out of this application at once, and can enter again without a new log-in. To keep them out, take them out of the groups that open it.',
      facts: [{ label: 'Person', value: user.email, href: `${USERS}/${user.id}` }, ...factsOf(application)],
      button: 'End their sessions at it',
      danger: true,
      back: applicationHref(application.slug),
    }),
    async run({ context: { applications } }, { application, user }, { by }) {
      const ended = await applications.endSessions(application.id, by, user.id);
      if (ended > 0) return { to: `${applicationHref(application.slug)}?done=sessions-at-it-ended` };
      return { problem: 'They have no session there by now. Nothing was done.' };
    },
  });
}

/** @throws HttpError 404 */
async function findPerson(ctx: Koa.Context, { context }: Web): Promise<User> {
  const id: unknown = ctx['params'].userId;
  const user = isUuid(id) ? await context.users.find(id) : null;
  if (!user) throw new HttpError(404, 'no_account');
  return user;
}

function factsOf({ name, slug, url, disabledAt }: Application): Fact[] {
  return [
    { label: 'Application', value: name, href: applicationHref(slug) },
    { label: 'Origin', value: url },
    { label: 'State', value: disabledAt === null ? 'Active' : 'Disabled' },
  ];
}
