// What the console's pages of groups and applications are shown with in tests: full, empty, with errors, and hostile.
import type { ShownTime } from '../../src/web/texts/times-and-devices.ts';
import type { RegistryViews } from '../../src/web/view/registry-views.ts';
import type { Frame } from '../../src/web/view/views.ts';

interface Helpers {
  readonly ago: (minutes: number) => ShownTime;
  readonly inConsole: (title: string, current: Frame['current']) => Frame;
}

function shown<V extends keyof RegistryViews>(name: string, view: V, page: RegistryViews[V], frame: Frame) {
  return { name, view, page, frame };
}

const WIKI = { label: 'wiki', href: '/operator/applications/wiki' };
const STAFF = { label: 'staff', href: '/operator/groups/1' };

const PLACES = { listen: '443', upstream: 'http://127.0.0.1:8000', holdfast: 'http://127.0.0.1:3000' };

const FORM: RegistryViews['operator/application-form'] = {
  title: 'Register an application',
  says: 'Say here who may enter it. Then set up its proxy, which asks Holdfast about each request: its configuration is shown once you have registered it.',
  slug: null,
  action: '/operator/applications/register',
  button: 'Register it',
  back: '/operator/applications',
  seen: 0,
  unproved: true,
  typed: {
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
  },
  rare: false,
  groups: [
    { field: 'group_1', name: 'staff', checked: true },
    { field: 'group_2', name: 'On-Call_2026', checked: false },
  ],
  reason: '',
  problem: null,
  errors: {},
};

const ACT: RegistryViews['operator/registry-act'] = {
  title: 'Remove the group staff',
  says: 'Its members leave it. Where it alone let them in, their sessions end at once; an application that no group opens any more is closed to everybody. No account is deleted.',
  facts: [
    { label: 'Group', value: 'staff' },
    { label: 'Members', value: '1,204' },
    { label: 'Opens', value: 'wiki, grafana' },
  ],
  fields: [],
  action: '/operator/groups/1/remove',
  button: 'Remove the group',
  danger: true,
  back: '/operator/groups/1',
  seen: 0,
  reason: '',
  problem: null,
  errors: {},
};

/** Not narrowed. */
const ALL = { q: '', previousHref: null, nextHref: null };

function group({ ago }: Helpers): RegistryViews['operator/group'] {
  return {
    name: 'staff',
    href: '/operator/groups/1',
    since: ago(60 * 24 * 40),
    q: '',
    count: '1,204 members',
    members: [
      row('ada@example.org', false, ago(60 * 24 * 40)),
      row('katherine.johnson@very-long-name-of-a-department.research.example.org', true, ago(12)),
    ],
    applications: [WIKI, { label: 'grafana', href: '/operator/applications/grafana' }],
    nextHref: '/operator/groups/1?after=x',
    firstHref: null,
  };
}

function row(email: string, disabled: boolean, since: ShownTime) {
  return { email, href: '/operator/users/0', disabled, since, removeHref: '/operator/groups/1/members/0/remove' };
}

function application({ ago }: Helpers): RegistryViews['operator/application'] {
  const href = '/operator/applications/wiki';
  return {
    name: 'The wiki',
    slug: 'wiki',
    url: 'https://wiki.example.org',
    href,
    unproved: true,
    disabled: null,
    since: ago(60 * 24 * 40),
    facts: [
      { label: 'Second factor', value: 'needed' },
      { label: 'Recent log-in', value: 'within 15m' },
      { label: 'Unused for', value: '2h at most' },
      { label: 'Lasts', value: 'as long as the person’s session' },
      { label: 'Preflights', value: 'let through' },
      { label: 'In frames of', value: 'https://portal.example.org' },
      { label: 'Remote-User', value: 'not sent' },
    ],
    everybody: false,
    groups: [STAFF],
    sessions: ['ada@example.org', 'katherine.johnson@research.example.org'].map((email, index) => ({
      email,
      href: '/operator/users/0',
      device: index === 0 ? 'Firefox on Windows' : 'Unknown browser',
      entered: ago(60 * (index + 2)),
      lastSeen: ago(index),
      endHref: `${href}/people/0/end`,
    })),
    count: 'the newest 50 of 1,204 sessions',
    acts: [
      { label: 'Change', href: `${href}/change`, danger: false },
      { label: 'End every session of it', href: `${href}/end-sessions`, danger: true },
      { label: 'Disable it', href: `${href}/disable`, danger: true },
      { label: 'Remove it', href: `${href}/remove`, danger: true },
    ],
    recipes: [{ proxy: 'nginx', text: 'location / {\n  auth_request /holdfast;\n}\n' }],
    places: { ...PLACES, errors: {} },
    recipeCommand:
      'bin/holdfast applications recipe wiki --proxy nginx --listen 443 --upstream http://127.0.0.1:8000 --holdfast http://127.0.0.1:3000',
    addsTls: true,
    noProxyTrusted: true,
    eventsHref: '/operator/audit?type=applications&text=wiki',
  };
}

function lists({ ago, inConsole }: Helpers) {
  const [groups, applications] = [inConsole('Groups', 'groups'), inConsole('Applications', 'applications')];
  return [
    shown(
      'operator-groups',
      'operator/groups',
      {
        rows: [
          { name: 'On-Call_2026', href: '/operator/groups/2', members: '0', applications: [], since: ago(5) },
          {
            name: 'staff',
            href: '/operator/groups/1',
            members: '1,204',
            applications: [WIKI, { label: 'grafana', href: '/operator/applications/grafana' }],
            since: ago(60 * 24 * 40),
          },
        ],
        ...{ q: '', previousHref: null, nextHref: '/operator/groups?page=2' },
        count: '2 groups',
        asOf: ago(0),
      },
      groups,
    ),
    shown('operator-groups-none', 'operator/groups', { ...ALL, rows: [], count: '0 groups', asOf: ago(0) }, groups),
    shown(
      'operator-applications',
      'operator/applications',
      {
        rows: [
          {
            name: 'Dashboards of every department',
            href: '/operator/applications/grafana',
            host: 'grafana.a-rather-long-name.internal.example.org:8443',
            ...{ state: 'disabled', enter: 'On-Call_2026, staff', sessions: '0' },
          },
          {
            ...{ name: 'The wiki', href: WIKI.href, host: 'wiki.example.org' },
            ...{ state: 'active', enter: 'everybody', sessions: '1,204' },
          },
        ],
        ...{ q: 'a', previousHref: '/operator/applications?q=a', nextHref: null },
        count: '2 applications',
        asOf: ago(0),
      },
      applications,
    ),
    shown(
      'operator-applications-none',
      'operator/applications',
      { ...ALL, rows: [], count: '0 applications', asOf: ago(0) },
      applications,
    ),
  ];
}

export function registryFixtures(helpers: Helpers) {
  const { ago, inConsole } = helpers;
  const applications = inConsole('Applications', 'applications');
  return [
    ...lists(helpers),
    shown('operator-group', 'operator/group', group(helpers), inConsole('staff', 'groups')),
    shown(
      'operator-group-new',
      'operator/group',
      { ...group(helpers), count: '0 members', members: [], applications: [], nextHref: null },
      inConsole('staff', 'groups'),
    ),
    shown('operator-application', 'operator/application', application(helpers), applications),
    shown(
      'operator-application-new',
      'operator/application',
      {
        ...application(helpers),
        ...{ disabled: ago(3), groups: [], sessions: [], recipes: [], count: '0 sessions' },
        ...{ places: { ...PLACES, listen: '0', errors: { listen: 'A port is a number from 1 to 65535.' } } },
        ...{ recipeCommand: null, addsTls: false },
      },
      applications,
    ),
    shown('operator-application-form', 'operator/application-form', FORM, applications),
    shown(
      'operator-application-form-wrong',
      'operator/application-form',
      {
        ...FORM,
        ...{ title: 'Change The wiki', slug: 'wiki', button: 'Change it', groups: [] },
        typed: { ...FORM.typed, name: 'The wiki', url: 'http://wiki.example.org/start', everybody: true },
        rare: true,
        errors: {
          url: 'Use https. Plain http is for this machine alone (localhost and names below it), while PUBLIC_URL is of it too.',
          groups: 'There is no group “x”.',
          idle: 'Give a time such as 15m, 8h or 30d, or nothing.',
          reason: 'Say why: the reason is recorded.',
        },
      },
      applications,
    ),
    shown('operator-registry-act', 'operator/registry-act', ACT, inConsole('staff', 'groups')),
    shown(
      'operator-registry-act-wrong',
      'operator/registry-act',
      {
        ...ACT,
        ...{ title: 'Add somebody to staff', button: 'Add them', danger: false, reason: 'new here' },
        fields: [
          {
            ...{ name: 'email', label: 'E-mail address', type: 'email', value: 'nobody@example.org' },
            hint: 'Of somebody who has an account.',
          },
        ],
        errors: { email: 'There is no account with this e-mail address.' },
      },
      inConsole('staff', 'groups'),
    ),
  ];
}

/** Everything that others wrote, as hostile as can be. */
export function hostileRegistryFixtures(text: string, time: ShownTime, frame: Frame) {
  const helpers = { ago: () => time, inConsole: () => frame };
  const link = { label: text, href: text };
  const page = application(helpers);
  return [
    shown(
      'hostile-group',
      'operator/group',
      {
        ...group(helpers),
        name: text,
        href: text,
        q: text,
        members: [{ ...row(text, true, time), href: text }],
        applications: [link],
      },
      frame,
    ),
    shown(
      'hostile-groups',
      'operator/groups',
      {
        rows: [{ name: text, href: text, members: text, applications: [link], since: time }],
        ...{ count: text, asOf: time, q: text, previousHref: text, nextHref: text },
      },
      frame,
    ),
    shown(
      'hostile-application',
      'operator/application',
      {
        ...page,
        ...{ name: text, slug: text, url: text, href: text, count: text, eventsHref: text },
        facts: [{ label: text, value: text }],
        groups: [link],
        sessions: page.sessions.map((session) => ({ ...session, email: text, device: text, endHref: text })),
        acts: [{ ...link, danger: true }],
        recipes: [{ proxy: text, text }],
        places: { listen: text, upstream: text, holdfast: text, errors: {} },
        recipeCommand: text,
      },
      frame,
    ),
    shown(
      'hostile-applications',
      'operator/applications',
      {
        rows: [{ name: text, href: text, host: text, state: 'active', enter: text, sessions: text }],
        ...{ count: text, asOf: time, q: text, previousHref: text, nextHref: text },
      },
      frame,
    ),
    shown(
      'hostile-application-form',
      'operator/application-form',
      {
        ...FORM,
        ...{ title: text, says: text, action: text, button: text, back: text, reason: text, problem: text },
        typed: { ...FORM.typed, slug: text, name: text, url: text, framedBy: text },
        groups: [{ field: text, name: text, checked: true }],
        errors: { slug: text, groups: text },
      },
      frame,
    ),
    shown(
      'hostile-registry-act',
      'operator/registry-act',
      {
        ...ACT,
        ...{ title: text, says: text, action: text, button: text, back: text, reason: text },
        facts: [{ label: text, value: text, href: text }],
        fields: [{ name: 'email', label: text, type: 'email', value: text, hint: text }],
        errors: { email: text },
      },
      frame,
    ),
  ];
}
