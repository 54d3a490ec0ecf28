// What every view is shown with in tests: full, empty, with errors, and hostile. Promises one entry a view and state;
// the page tests open each of them in a browser.
import { TYPE_GROUPS, titleOf } from '../../src/web/console/words/event-titles.ts';
import { de } from '../../src/web/texts/de.ts';
import { en } from '../../src/web/texts/en.ts';
import { showTime } from '../../src/web/texts/times-and-devices.ts';
import { timesIn } from '../../src/web/texts/zoned-times.ts';
import { drawChart } from '../../src/web/view/chart.ts';
import type {
  AttemptRow,
  AuditRow,
  BlockRow,
  InvitationRow,
  PersonRow,
  SessionSentence,
  ShownPerson,
} from '../../src/web/view/console-views.ts';
import { drawQr } from '../../src/web/view/qr.ts';
import type { TokenRow } from '../../src/web/view/securing-views.ts';
import type { ActivityRow, BrowserRow, OwnSessionRow } from '../../src/web/view/view-parts.ts';
import type { Frame, Views } from '../../src/web/view/views.ts';
import { alertFixtures, hostileAlertFixtures } from './alert-fixtures.ts';
import { drainFixtures, hostileDrainFixtures } from './drain-fixtures.ts';
import { findFixtures, hostileFindFixtures } from './find-fixtures.ts';
import { hostileRegistryFixtures, registryFixtures } from './registry-fixtures.ts';
import {
  hostileSavedViewFixtures,
  hostileViewsBar,
  NO_VIEWS,
  SHARED_VIEW,
  SOME_VIEWS,
  savedViewFixtures,
} from './saved-view-fixtures.ts';

/** One view in one state, typed by the view. */
export interface Fixture<V extends keyof Views = keyof Views> {
  readonly name: string;
  readonly view: V;
  readonly page: Views[V];
  readonly frame: Frame;
}

export const NOW = new Date('2026-11-23T19:07:00Z');

/** Markup, quotes, marks that turn the writing direction, and the names of EJS's own options. */
export const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\`&amp;\u202Egnp.exe\u2066 <%= 7 * 7 %> settings client`;
const LONG_USER_AGENT = `Mozilla/5.0 ${'<b>A</b>'.repeat(8 * 1024)}`;

const ago = (minutes: number) => showTime(new Date(NOW.getTime() - minutes * 60_000), NOW);

const TIMES = timesIn('Europe/Lisbon', NOW);
const clock = (minutes: number) => TIMES.clock(new Date(NOW.getTime() - minutes * 60_000));

const MEMBER = { email: 'ada@example.org', operator: false };
const OPERATOR = { email: 'grace@example.org', operator: true };

const EVENT_TYPES = TYPE_GROUPS;

function frame(title: string, more: Partial<Frame> = {}): Frame {
  return {
    text: en,
    languages: { others: [{ code: 'de', name: 'Deutsch' }], back: '/login' },
    serviceName: 'Holdfast',
    title,
    current: null,
    member: null,
    csrf: 'csrf-token',
    notice: null,
    wide: false,
    ...more,
  };
}

function fixture<V extends keyof Views>(name: string, view: V, page: Views[V], inFrame: Frame): Fixture<V> {
  return { name, view, page, frame: inFrame };
}

const anonymous = (title: string) => frame(title);
const member = (title: string, current: Frame['current']) => frame(title, { member: MEMBER, current });
const ZONE = { name: 'Europe/Lisbon', offset: 'UTC', others: ['UTC'], back: '/operator' };
const operator = () => frame('Audit log', { member: OPERATOR, current: 'audit', wide: true, zone: ZONE });

const inConsole = (title: string, current: Frame['current']) =>
  frame(title, { member: OPERATOR, current, wide: true, zone: ZONE });

const OTHER_SESSION: Views['other-session'] = {
  email: MEMBER.email,
  says: en.otherSession.form,
  onward: '/account/email',
  onwardLabel: en.otherSession.again,
  loggedOut: null,
};

const OVERVIEW: Views['operator/overview'] = {
  asOf: ago(0),
  people: [
    { label: 'Sessions now', value: 'about 1,204,311', note: 'people who are logged in', href: '/operator/audit' },
    { label: 'Log-ins today', value: '18,204', note: '17,950 by this time last Monday', href: '/operator/attempts' },
    { label: 'Failed log-ins today', value: '2,310', note: '512 by this time last Monday', href: '/operator/attempts' },
    { label: 'Active blocks', value: '14', note: 'each ends by itself', href: '/operator/blocks' },
  ],
  recording: [
    {
      label: 'Events waiting to be sealed',
      value: 'more than 10,000',
      note: 'late: see that the worker runs. The oldest waits since',
      time: ago(12),
      href: '/operator/queues',
      wrong: true,
    },
    { label: 'Last sealed event', value: 'No. 10,000,123', note: 'sealed', time: ago(12), href: '/operator/audit' },
  ],
  stores: [
    { label: 'PostgreSQL', value: 'answers in 1.2 ms', note: 'the truth', href: '/readyz' },
    { label: 'Redis', value: 'away', note: 'pages go on from PostgreSQL, slower', href: '/readyz', wrong: true },
    { label: 'Workers', value: '1', note: 'seal the log and clean up', href: '/operator/queues' },
  ],
  everybody: { at: ago(90), ended: '204,311', done: false },
  queues: [
    { name: 'audit', waiting: 0, active: 1, delayed: 1, failed: 0 },
    { name: 'sessions', waiting: 0, active: 0, delayed: 1, failed: 12 },
    { name: 'cleanup', waiting: 0, active: 0, delayed: 6, failed: 0 },
  ],
};

const EMAIL: Views['account/email'] = { email: '', current: MEMBER.email, waits: null, problem: null, errors: {} };

const MAIL: Views['operator/mail'] = {
  rows: [
    mailRow('waiting', 3, 'connect ECONNREFUSED 192.0.2.25:587'),
    mailRow('failed', 1, '550 5.1.1 No such mailbox'),
    mailRow('sent', 1, null),
  ],
  all: true,
  possible: true,
  asOf: ago(0),
};

function mailRow(state: string, attempts: number, error: string | null): Views['operator/mail']['rows'][number] {
  const about = {
    recipient: MEMBER.email,
    title: 'Link for a new password',
    template: 'reset-password',
    created: clock(5),
    since: clock(1),
  };
  return { ...about, state, attempts, error, wrong: error !== null };
}

const SHOWN_MAIL: Views['operator/shown-mail'] = {
  mails: [
    {
      to: MEMBER.email,
      subject: 'Choose a new password for Holdfast',
      at: ago(1),
      pieces: [
        { text: 'Somebody asked to choose a new password.\n\nChoose a new password:\n', href: null },
        {
          text: 'http://localhost:3000/reset-password?token=AAAA',
          href: 'http://localhost:3000/reset-password?token=AAAA',
        },
      ],
    },
  ],
};

const INVITE: Views['operator/invite'] = {
  email: '',
  problem: null,
  auditor: false,
  errors: {},
  link: null,
  possible: true,
};

const INVITATION: InvitationRow = {
  id: 'i1',
  email: MEMBER.email,
  by: { email: OPERATOR.email, href: '/operator/users/1' },
  at: clock(60 * 30),
  state: 'mail sent',
  wrong: false,
  until: clock(-60 * 24 * 6),
  acts: [
    { label: 'Send it again', href: '/operator/users/invitations/i1/send-again', danger: false },
    { label: 'Revoke it', href: '/operator/users/invitations/i1/revoke', danger: true },
  ],
};

const INVITATION_ACT: Views['operator/invitation-act'] = {
  title: 'Revoke the invitation',
  says: 'Its link works no longer. Nobody is told; you can invite this e-mail address again.',
  button: 'Revoke it',
  danger: true,
  invitation: INVITATION,
  action: '/operator/users/invitations/i1/revoke',
  back: '/operator/users/invitations',
  reason: '',
  problem: null,
  errors: {},
};

const CHOOSE: Views['choose-password'] = {
  heading: en.reset.title,
  lede: en.reset.lede,
  action: '/reset-password',
  submit: en.reset.submit,
  email: MEMBER.email,
  link: 'Qm9yZGVyIG9mIGEgbGluaw',
  problem: null,
  errors: {},
};

const CONFIRM_LINK: Views['confirm-link'] = {
  heading: en.verify.title,
  lede: en.verify.lede,
  action: '/verify-email',
  submit: en.verify.submit,
  email: MEMBER.email,
  link: 'Qm9yZGVyIG9mIGEgbGluaw',
  asksPassword: false,
  problem: null,
  errors: {},
};

const AT_HOME = 'probably Lisbon, Portugal, network of MEO (AS3243)';
const ABROAD = 'probably Japan, network of a company with a long name that owns it (AS2516)';
const UNUSUAL = 'new country, new network, too far from the log-in before';

const SESSIONS: readonly OwnSessionRow[] = [
  session('s1', 'Firefox on Windows', '203.0.113.7', 60 * 26, 0, true),
  session('s2', 'Safari on iPhone', '2001:db8:85a3::8a2e:370:7334', 60 * 24 * 12, 4),
  session('s3', 'Chrome on Android', '198.51.100.24', 60 * 24 * 40, 60 * 20),
  session('s4', 'Unknown browser', '192.0.2.199', 60 * 24 * 3, 60 * 24 * 2),
];

function session(
  id: string,
  device: string,
  address: string,
  first: number,
  last: number,
  current = false,
): OwnSessionRow {
  const more = { method: en.methods['password+totp'], kept: !current, until: ago(-60 * 24 * 20) };
  const unusedUntil = current ? null : ago(-60 * 24 * 7);
  const applications = current ? ['Wiki', 'Photos'] : [];
  return {
    id,
    device,
    address,
    ...(current ? { whereabouts: AT_HOME, unusual: null } : { whereabouts: ABROAD, unusual: UNUSUAL }),
    firstSeen: ago(first),
    lastSeen: ago(last),
    current,
    ...more,
    unusedUntil,
    applications,
  };
}

const CONFIRM_WORDS = { act: en.confirm.acts.session, cancel: '/account/sessions', forgotHref: '/forgot-password' };

const BROWSERS: readonly BrowserRow[] = [
  { id: 'b1', device: 'Firefox on Windows', knownSince: ago(60 * 24 * 90), lastUsed: ago(60), current: true },
  { id: 'b2', device: 'Unknown browser', knownSince: ago(60 * 24 * 200), lastUsed: ago(60 * 24 * 20), current: false },
];

function activityRow(seq: number, says: string, more: Partial<ActivityRow> = {}): ActivityRow {
  const from = { device: 'Safari on iPhone', ip: '2001:db8:85a3::8a2e:370:7334', byOperator: false };
  const place = { whereabouts: null, unusual: null };
  return { seq, at: ago(seq * 60), says, failed: false, ...from, ...place, here: false, notMeHref: null, ...more };
}

const LOGGED_IN = activityRow(3, en.activity.loggedIn(en.methods['password+totp']), {
  notMeHref: '/account/activity/3/not-me',
  whereabouts: ABROAD,
  unusual: UNUSUAL,
});

const ACTIVITIES: readonly ActivityRow[] = [
  activityRow(1, en.activity.loggedIn(en.methods.password), { here: true, device: 'Firefox on Windows' }),
  activityRow(2, en.activity.failed.password, { failed: true, device: 'Unknown browser', ip: '192.0.2.199' }),
  LOGGED_IN,
  activityRow(4, en.activity.newDevice['browser and address']),
  activityRow(5, en.activity.says.user_disabled, { device: null, ip: null, byOperator: true }),
];

type Counts = Readonly<Record<'successes' | 'failures' | 'refused' | 'blocks', number>>;
const NO_FACTORS: Views['account/security'] = {
  required: null,
  requiredBy: null,
  appHref: '/account/security/authenticator',
  newPasskeyHref: '/account/security/passkeys/new',
  totpSince: null,
  passkeys: [],
  hasFactor: false,
  recoveryCodesLeft: 0,
  shownCodesHref: null,
  tokens: [],
  othersCount: 0,
  problem: null,
  errors: {},
};

function security(): Views['account/security'] {
  return {
    ...NO_FACTORS,
    totpSince: ago(60 * 24 * 40),
    passkeys: [
      { id: 'p1', name: 'Firefox on Windows', since: ago(60 * 24 * 12), lastUsed: ago(4) },
      { id: 'p2', name: 'Blue security key, in the drawer at home', since: ago(60 * 30), lastUsed: null },
    ],
    hasFactor: true,
    recoveryCodesLeft: 7,
    tokens: [
      { id: 't1', name: 'The collector', since: ago(60 * 24 * 3), lastUsed: ago(1), until: ago(-60 * 24 * 87) },
      { id: 't2', name: 'a script that was never run', since: ago(90), lastUsed: null, until: ago(-60 * 24) },
    ],
    othersCount: 2,
  };
}

function authenticator(errors: Views['account/authenticator']['errors']): Views['account/authenticator'] {
  const uri = 'otpauth://totp/Holdfast:ada@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Holdfast';
  const secret = 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP';
  return { secret, sealed: 'sealed', next: null, uri, qr: drawQr(uri), problem: null, errors };
}

/** A day in bars of ten minutes. */
function day(countsAt: (index: number) => Counts, href: string | null = null) {
  const begin = NOW.getTime() - (NOW.getTime() % 600_000) - 143 * 600_000;
  return drawChart({
    bars: Array.from({ length: 144 }, (_, index) => ({
      from: new Date(begin + index * 600_000),
      to: new Date(begin + (index + 1) * 600_000),
      counts: countsAt(index),
      href,
    })),
    series: [
      { kind: 'successes', label: 'success', many: 'successes' },
      { kind: 'failures', label: 'failure', many: 'failures' },
      { kind: 'refused', label: 'refused unseen' },
      { kind: 'blocks', label: 'blocks', undrawn: true },
    ],
    title: 'Last 24 hours',
    times: TIMES,
  });
}

const busy = (index: number): Counts => ({
  successes: (index * 7) % 5,
  failures: index % 11 === 0 ? 12 : index % 3,
  refused: index > 100 && index < 110 ? 9_000 : 0,
  blocks: index === 100 ? 1 : 0,
});
const DAY = day(busy);
const LINKED_DAY = day(busy, '/operator/audit?from=2026-11-23T09:00&to=2026-11-23T09:10');
const QUIET_DAY = day(() => ({ successes: 0, failures: 0, refused: 0, blocks: 0 }));

function attempts(more: Partial<Views['operator/attempts']> = {}): Views['operator/attempts'] {
  return {
    rows: [],
    views: NO_VIEWS,
    chart: QUIET_DAY,
    asOf: ago(0),
    problem: null,
    filters: { person: '', address: '', outcome: '', time: '', active: [] },
    outcomes: [{ value: '', label: 'Every outcome' }],
    times: [{ value: '', label: 'Last 24 hours' }],
    newestHref: null,
    newerHref: null,
    olderHref: null,
    ...more,
  };
}

const attempt = (outcome: AttemptRow['outcome'], text: string, reason: string, email?: string): AttemptRow => ({
  occurredAt: clock(3),
  outcome,
  person: email ? { email, onlyHref: `/operator/attempts?person=${email}` } : null,
  address: { text, onlyHref: `/operator/attempts?address=${text}` },
  device: 'Firefox on Windows, known',
  reason,
});

const block = (id: string, ended: string | null, more: Partial<BlockRow> = {}): BlockRow => ({
  id,
  reason: '',
  scope: 'One account from one client',
  person: { email: 'ada@example.org', href: '/operator/users/ada' },
  address: '203.0.113.7',
  from: clock(5),
  until: clock(-25),
  attemptsHref: '/operator/attempts?address=203.0.113.7&time=all',
  failures: '10',
  refused: '99,990',
  ended,
  ...more,
});

const person = (email: string) => ({
  id: `id-of-${email}`,
  email,
  onlyHref: `/operator/audit?person=${encodeURIComponent(email)}`,
});

type Story = readonly [AuditRow['type'], AuditRow['outcome'], string | null, string | null, string];
const LOGIN_STORY: Story = ['authn_login_success', 'success', 'ada@example.org', null, 'keep me logged in'];
const STORY: readonly Story[] = [
  LOGIN_STORY,
  ['session_created', 'success', 'ada@example.org', null, 'idle 30 days, at most 180 days'],
  ['authn_login_fail', 'failure', null, null, 'wrong e-mail address or password'],
  ['authn_new_device', 'success', 'katherine.johnson@research.example.org', null, 'network not seen before'],
  ['session_ended', 'success', 'grace@example.org', 'ada@example.org', 'by an operator'],
  ['authz_fail', 'failure', 'linus@example.org', null, 'GET /operator/audit'],
  ['authn_password_change', 'success', 'joan@example.org', null, 'ended 3 other sessions'],
  ['privilege_permissions_changed', 'success', 'grace@example.org', 'margaret@example.org', 'member → operator'],
  ['session_expired', 'success', null, 'barbara@example.org', 'not used for 30 days'],
  ['sys_cleanup', 'success', null, null, '214 login attempts older than 90 days'],
];
const PEOPLE = [MEMBER.email, 'katherine.johnson@research.example.org', OPERATOR.email, 'linus@example.org'];
const DEVICES = ['Firefox on Windows', 'Safari on iPhone', 'Chrome on Android', 'curl', null];
const ADDRESSES = ['203.0.113.7', '2001:db8:85a3::8a2e:370:7334', '198.51.100.24', null];

function addressOf(text: string | null): AuditRow['address'] {
  return text === null ? null : { text, onlyHref: `/operator/audit?address=${encodeURIComponent(text)}` };
}

function auditRow(index: number): AuditRow {
  const [type, outcome, actor, subject, detail] = STORY[(index * 7) % STORY.length] ?? LOGIN_STORY;
  return {
    seq: String(12_408 - index),
    occurredAt: clock(index * index * 1.7),
    type,
    title: titleOf(type),
    outcome,
    outcomeOnlyHref: `/operator/audit?outcome=${outcome}`,
    href: `/operator/audit/${12_408 - index}`,
    actor: actor === null ? null : person(actor),
    subject: subject === null ? null : person(subject),
    address: addressOf(ADDRESSES[index % ADDRESSES.length] ?? null),
    place: index % 3 === 0 ? { code: 'PT', title: `${AT_HOME}: a guess by the IP address` } : null,
    unusual:
      index % 5 === 0 && outcome === 'success' ? { text: UNUSUAL, onlyHref: '/operator/audit?unusual=yes' } : null,
    device: DEVICES[index % DEVICES.length] ?? null,
    detail,
    typeOnlyHref: `/operator/audit?type=${type}`,
  };
}

const NO_FILTERS: Views['operator/audit']['filters'] = {
  ...{ type: '', manyTypes: null, outcome: '', person: '', address: '', text: '', from: '', to: '' },
  kept: [],
  active: [],
};

function audit(more: Partial<Views['operator/audit']>): Views['operator/audit'] {
  return {
    rows: [],
    views: NO_VIEWS,
    asOf: ago(0),
    matching: '0 match',
    total: '12,408',
    zone: TIMES.zone,
    chart: null,
    filters: NO_FILTERS,
    unusualHref: '/operator/audit?unusual=yes',
    types: EVENT_TYPES,
    ranges: [
      { label: 'Last hour', href: '/operator/audit?time=1h', current: false },
      { label: 'Last night', href: '/operator/audit?time=night', current: true },
      { label: 'Last 24 hours', href: '/operator/audit?time=24h', current: false },
      { label: 'Last 7 days', href: '/operator/audit?time=7d', current: false },
    ],
    several: { ticked: new Set(['authn_login_fail', 'session_created']), not: true, kept: [] },
    problem: null,
    wrong: {},
    newerHref: null,
    olderHref: null,
    newestHref: null,
    looked: null,
    secureHref: '/operator/audit/secure?address=203.0.113.7',
    exports: [
      { label: 'CSV', href: '/operator/audit/export?format=csv' },
      { label: 'NDJSON', href: '/operator/audit/export?format=ndjson' },
    ],
    verifyCommand: 'holdfast audit verify --file FILE --public-key XzDQ0vV4nCTLHWzGxYkXnIY6mO6PWg1Tj4hEk6mK5lA',
    liveHref: null,
    ...more,
  };
}

const LIVE: SessionSentence['state'] = {
  live: true,
  at: ago(4),
  why: null,
  endHref: '/operator/users/0/sessions/1/revoke',
};

function sentence(more: Partial<SessionSentence>): SessionSentence {
  const began = ago(60 * 26);
  return { device: 'Firefox on Windows', address: '203.0.113.7', began, state: LIVE, isYours: false, ...more };
}

function event(more: Partial<Views['operator/event']> = {}): Views['operator/event'] {
  const rows = Array.from({ length: 4 }, (_, index) => auditRow(index));
  return {
    row: auditRow(4),
    occurredAt: ago(27),
    exactly: '23 Nov 2026, 18:40:00',
    sealedAt: ago(27),
    sealedExactly: '23 Nov 2026, 18:40:01',
    meaning: 'A session was ended.',
    id: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
    session: {
      text: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e56',
      onlyHref: '/operator/audit?session=1',
      timelineHref: '/operator/sessions/1',
      state: LIVE,
    },
    request: { text: 'q1w2e3r4-1a', onlyHref: '/operator/audit?request=q1w2e3r4-1a' },
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
    whereabouts: AT_HOME,
    unusual: ['new country: until then Portugal, Spain', 'new network: until then AS3243'],
    erased: false,
    doneByHref: '/operator/audit?actor=1',
    details: [
      { name: 'reason', value: 'revoked_by_operator', words: 'an operator ended it' },
      { name: 'note', value: 'they called us: the laptop was left on a train', words: null },
      { name: 'filter › types', value: 'authn_login_fail, authn_login_success', words: null },
    ],
    hash: 'ab'.repeat(32),
    prevHash: 'cd'.repeat(32),
    problem: null,
    proved: 'with the one before',
    olderHref: '/operator/audit/12403',
    newerHref: '/operator/audit/12405',
    ofSession: rows,
    ofRequest: rows.slice(0, 2),
    ...more,
  };
}

const personRow = (index: number, more: Partial<ShownPerson> = {}): ShownPerson => ({
  id: `0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e5${index}`,
  email: PEOPLE[index % PEOPLE.length] ?? MEMBER.email,
  role: index === 2 ? 'operator' : 'member',
  disabled: index === 3,
  memberSince: clock(60 * 24 * 30 * index),
  href: `/operator/users/${index}`,
  ...more,
});

function peopleRow(index: number): PersonRow {
  const { email, href, role, disabled, memberSince } = personRow(index);
  const factor = index % 3 === 0 ? 'none' : 'set up';
  const only = { roleOnlyHref: '/operator/users?role=x', stateOnlyHref: '/operator/users?state=x' };
  const state = disabled ? 'disabled' : 'active';
  const log = { lastLogin: index % 3 === 1 ? null : clock(60 * 7 * index), neverHref: '/operator/users?login=never' };
  return { email, href, role, state, ...only, factor, factorOnlyHref: '/operator/users?factor=x', memberSince, ...log };
}

function users(more: Partial<Views['operator/users']>): Views['operator/users'] {
  const any = [{ value: '', label: 'Any' }];
  return {
    rows: [],
    views: NO_VIEWS,
    matching: '0 people',
    asOf: ago(0),
    problem: null,
    filters: { q: '', role: '', state: '', factor: '', kept: [], active: [] },
    choices: { role: any, state: any, factor: any },
    ways: [
      { label: 'By e-mail address', href: '/operator/users', current: true },
      { label: 'By last log-in', href: '/operator/users?sort=login', current: false },
      { label: 'Newest accounts', href: '/operator/users?sort=created', current: false },
      { label: 'Never logged in', href: '/operator/users?login=never', current: false },
    ],
    order: 'by e-mail address',
    firstHref: null,
    previousHref: null,
    nextHref: null,
    ...more,
  };
}

const USER: Views['operator/user'] = {
  person: personRow(0, { role: 'operator' }),
  sessions: SESSIONS.map((one) => ({ ...one, timelineHref: `/operator/sessions/${one.id}` })),
  ended: [
    {
      href: '/operator/sessions/9',
      device: 'Safari on iPhone',
      address: '2001:db8:85a3::8a2e:370:7334',
      began: ago(60 * 24 * 3),
      state: { live: false, at: ago(60 * 24 * 2), why: 'an operator ended it', endHref: null },
    },
  ],
  groups: [
    { label: 'staff', href: '/operator/groups/1' },
    { label: 'On-Call_2026', href: '/operator/groups/2' },
  ],
  lastLogin: ago(60 * 3),
  password: { says: 'last changed', since: ago(60 * 24 * 90) },
  language: 'German',
  externalId: null,
  knownBrowsers: 3,
  factors: { totpSince: ago(60 * 24 * 40), passkeys: 2, recoveryCodesLeft: 7 },
  attempts: [
    { occurredAt: clock(3), outcome: 'success', address: '203.0.113.7', device: 'Firefox on Windows', reason: '' },
    {
      occurredAt: clock(4),
      outcome: 'failure',
      address: '2001:db8:85a3::8a2e:370:7334',
      device: 'Unknown browser',
      reason: 'wrong password',
    },
    { occurredAt: clock(60 * 30), outcome: 'failure', address: null, device: 'curl', reason: 'wrong password' },
  ],
  attemptsHref: '/operator/attempts?person=ada%40example.org&time=all',
  blocks: [{ until: ago(-25) }, { until: ago(-55) }],
  events: Array.from({ length: 8 }, (_, index) => auditRow(index)),
  eventsHref: '/operator/audit?person=ada%40example.org',
  exportHref: '/operator/audit/export?person=1&format=ndjson',
  verifyCommand: `holdfast audit verify --file FILE --public-key ${'A'.repeat(43)}`,
  acts: [
    { label: 'Send a link for a new password', href: '/operator/users/0/send-reset', danger: false },
    { label: 'Forget the known browsers', href: '/operator/users/0/forget-browsers', danger: false },
    { label: 'Remove every second factor', href: '/operator/users/0/remove-factors', danger: true },
    { label: 'Make a member', href: '/operator/users/0/make-member', danger: false },
    { label: 'Disable this account', href: '/operator/users/0/disable', danger: true },
  ],
};

const ACT: Views['operator/act'] = {
  title: 'Disable this account',
  says: 'Every session of this person ends at once, their API tokens are revoked, and they can’t log in until the account is enabled again. Nothing is deleted.',
  button: 'Disable this account',
  danger: true,
  person: personRow(0),
  action: '/operator/users/0/disable',
  reason: '',
  box: null,
  seen: 3,
  sessions: [],
  facts: [{ label: 'Live sessions', value: '3' }],
  possible: true,
  changes: [],
  problem: null,
  errors: {},
};

const TOKEN: TokenRow = {
  name: 'The auditors’ collector',
  owner: { label: 'ada@example.org', href: '/operator/users/1' },
  createdAt: clock(60 * 24),
  expiresAt: clock(-60 * 24 * 80),
  lastUsedAt: clock(2),
  revokeHref: '/operator/users/1/tokens/2/revoke',
};

const NEW_TOKEN: Views['operator/token'] = {
  person: { label: 'ada@example.org', href: '/operator/users/1' },
  action: '/operator/users/1/tokens/create',
  typed: { name: '', days: '90', reason: '' },
  secret: null,
  url: 'https://login.example.org/api/audit',
  problem: null,
  errors: {},
};

const SECURE_MANY: Views['operator/secure-many'] = {
  filters: ['IP address: 203.0.113.7', 'From: 29 Nov 2026, 00:00:00'],
  which: [
    { label: 'Accounts that were got into', href: '/operator/audit/secure?address=203.0.113.7', current: true },
    { label: 'All accounts that they are about', href: '/operator/audit/secure?which=named', current: false },
  ],
  count: '37 accounts',
  number: 37,
  shown: Array.from({ length: 10 }, (_, at) => ({ label: `person-${at}@example.org`, href: `/operator/users/${at}` })),
  more: 27,
  operators: [{ label: 'grace@example.org', href: '/operator/users/1' }],
  own: true,
  form: { action: '/operator/audit/secure?address=203.0.113.7', reason: '', typed: '' },
  back: '/operator/audit?address=203.0.113.7',
  problem: null,
  errors: {},
};

const SECURING: Views['operator/securing'] = {
  reason: 'somebody has their passwords',
  by: { label: 'grace@example.org', href: '/operator/users/1' },
  askedAt: ago(2),
  done: 12,
  accounts: 37,
  left: [],
  doneAt: null,
  asOf: ago(0),
  eventsHref: '/operator/audit?type=user_secured',
};

const END_ACT: Views['operator/act'] = {
  ...ACT,
  title: 'End this session',
  says: 'The browser of this session is logged out at once. The person can log in again.',
  button: 'End this session',
  action: '/operator/users/0/sessions/1/revoke',
  sessions: [sentence({})],
  facts: [],
};

const ERRORS: readonly (readonly [number, string, string, string, string])[] = [
  [
    403,
    'This page is not for your account',
    'It is for operators. Ask one of them if you need it.',
    '/profile',
    'Open your profile',
  ],
  [404, 'There is no page here', 'The address may be mistyped, or the page is gone.', '/', 'Go to the start page'],
  [503, 'We can’t log you in right now', 'Nothing is lost: you stay logged in where you are.', '/login', 'Try again'],
];

const LOGIN: Views['login'] = {
  email: '',
  remember: false,
  next: null,
  ahead: null,
  problem: null,
  errors: {},
  registerHref: '/register',
  forgotHref: '/forgot-password',
};
const REGISTER: Views['register'] = {
  email: '',
  next: null,
  ahead: null,
  problem: null,
  errors: {},
  loginHref: '/login',
};
const PROFILE: Views['profile'] = {
  email: MEMBER.email,
  role: 'member',
  changesEmail: true,
  memberSince: ago(60 * 24 * 400),
  loggedInAt: ago(60 * 26),
  device: 'Firefox on Windows',
  address: '203.0.113.7',
};

const IN_ENGLISH: readonly Fixture[] = [
  fixture('home-anonymous', 'home', { loggedIn: false, registers: true }, frame('Holdfast', { current: 'home' })),
  fixture(
    'home-member',
    'home',
    { loggedIn: true, registers: true },
    frame('Holdfast', { current: 'home', member: MEMBER }),
  ),
  fixture('home-invited-only', 'home', { loggedIn: false, registers: false }, frame('Holdfast', { current: 'home' })),
  fixture(
    'login-ahead',
    'login',
    { ...LOGIN, next: '/applications/enter?application=wiki', ahead: 'The Wiki' },
    anonymous('Log in'),
  ),
  fixture('login-invited-only', 'login', { ...LOGIN, registerHref: null, forgotHref: null }, anonymous('Log in')),
  fixture(
    'message',
    'message',
    { ...en.forgot.sent, action: { href: '/login', label: 'Log in' } },
    anonymous(en.forgot.sent.heading),
  ),
  fixture('message-closed', 'message', { ...en.register.closed, action: null }, anonymous(en.register.closed.heading)),
  fixture('other-session', 'other-session', OTHER_SESSION, member(en.otherSession.title, null)),
  fixture(
    'other-session-log-in',
    'other-session',
    {
      ...OTHER_SESSION,
      says: en.otherSession.logIn,
      onwardLabel: en.otherSession.goOn,
      loggedOut: '/login?next=%2Fprofile',
    },
    member(en.otherSession.title, null),
  ),
  fixture('forgot-password', 'forgot-password', { email: '', problem: null, errors: {} }, anonymous(en.forgot.title)),
  fixture(
    'forgot-password-errors',
    'forgot-password',
    { email: 'ada@', problem: null, errors: { email: en.register.emailWrong } },
    anonymous(en.forgot.title),
  ),
  fixture('reset-password', 'choose-password', CHOOSE, anonymous(en.reset.title)),
  fixture(
    'reset-password-errors',
    'choose-password',
    { ...CHOOSE, errors: { password: en.passwordProblems.too_common } },
    anonymous(en.reset.title),
  ),
  fixture('verify-email', 'confirm-link', CONFIRM_LINK, anonymous(en.verify.title)),
  fixture(
    'not-me',
    'confirm-link',
    {
      ...{ ...CONFIRM_LINK, heading: en.notMe.title, email: '', asksPassword: false, submit: en.notMe.submit },
      ...{ lede: en.notMe.lede('Firefox on Windows', '203.0.113.7', 'on 24 November at 13:20'), action: '/not-me' },
    },
    anonymous(en.notMe.title),
  ),
  fixture(
    'not-me-factors',
    'confirm-link',
    {
      ...{ ...CONFIRM_LINK, heading: en.notMe.title, email: '', asksPassword: false, submit: en.notMe.submit },
      ...{ lede: en.notMe.ledeWithoutLogin, action: '/not-me', factors: en.takeBack.factors.asks, asksFormer: true },
      errors: { former: en.takeBack.wrong },
    },
    anonymous(en.notMe.title),
  ),
  fixture(
    'verify-email-password',
    'confirm-link',
    { ...CONFIRM_LINK, lede: en.verify.ledePassword, asksPassword: true, errors: { password: en.verify.wrong } },
    anonymous(en.verify.title),
  ),
  fixture(
    'confirm-email-password',
    'confirm-link',
    {
      ...{ ...CONFIRM_LINK, heading: en.email.confirm.title, lede: en.email.confirm.ledePassword },
      ...{ action: '/confirm-email', submit: en.email.confirm.submit, asksPassword: true },
      errors: { password: en.email.confirm.wrong },
    },
    anonymous(en.email.confirm.title),
  ),
  fixture('email', 'account/email', EMAIL, member(en.email.title, null)),
  fixture(
    'email-waits',
    'account/email',
    { ...EMAIL, waits: en.email.waits.text('new@example.org', '4 minutes ago') },
    member(en.email.title, null),
  ),
  fixture(
    'email-errors',
    'account/email',
    { ...EMAIL, email: 'ada@', errors: { email: en.register.emailWrong } },
    member(en.email.title, null),
  ),
  fixture('mail', 'operator/mail', MAIL, frame('Mail', { member: OPERATOR, current: 'mail', wide: true })),
  fixture(
    'mail-empty',
    'operator/mail',
    { ...MAIL, rows: [] },
    frame('Mail', { member: OPERATOR, current: 'mail', wide: true }),
  ),
  fixture(
    'mail-impossible',
    'operator/mail',
    { ...MAIL, rows: [], possible: false },
    frame('Mail', { member: OPERATOR, current: 'mail', wide: true }),
  ),
  fixture('shown-mail', 'operator/shown-mail', SHOWN_MAIL, frame('Mail', { wide: true })),
  fixture(
    'invite',
    'operator/invite',
    INVITE,
    frame('Invite somebody', { member: OPERATOR, current: 'people', wide: true }),
  ),
  fixture(
    'invite-link',
    'operator/invite',
    {
      ...INVITE,
      possible: false,
      link: 'https://login.example.org/invitation?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    },
    frame('Invite somebody', { member: OPERATOR, current: 'people', wide: true }),
  ),
  fixture(
    'invitations',
    'operator/invitations',
    {
      rows: [
        INVITATION,
        { ...INVITATION, id: 'i2', email: 'katherine.johnson@research.example.org', state: 'mail failed', wrong: true },
        { ...INVITATION, id: 'i3', by: null, state: 'expired', wrong: true, until: null },
      ],
      count: '3 pending',
      asOf: clock(0),
    },
    inConsole('Invitations', 'people'),
  ),
  fixture(
    'invitations-empty',
    'operator/invitations',
    { rows: [], count: '0 pending', asOf: clock(0) },
    inConsole('Invitations', 'people'),
  ),
  fixture('invitation-act', 'operator/invitation-act', INVITATION_ACT, inConsole('Revoke', 'people')),
  fixture('login-empty', 'login', LOGIN, anonymous('Log in')),
  fixture(
    'login-full',
    'login',
    { ...LOGIN, email: MEMBER.email, remember: true, next: '/profile' },
    frame('Log in', { notice: { kind: 'info', text: 'This session was ended from another browser. Log in again.' } }),
  ),
  fixture(
    'login-problem',
    'login',
    { ...LOGIN, email: MEMBER.email, problem: 'Wrong e-mail address or password.' },
    anonymous('Log in'),
  ),
  fixture(
    'login-errors',
    'login',
    { ...LOGIN, errors: { email: 'Enter your e-mail address.', password: 'Enter your password.' } },
    anonymous('Log in'),
  ),
  fixture('register-empty', 'register', REGISTER, anonymous('Create an account')),
  fixture(
    'register-errors',
    'register',
    {
      ...REGISTER,
      email: 'ada@example',
      next: '/profile',
      errors: {
        email: 'Enter a whole e-mail address, such as name@example.org.',
        password: 'This password is among the first that an attacker tries. Choose another one.',
      },
    },
    anonymous('Create an account'),
  ),
  fixture('profile', 'profile', PROFILE, member('Profile', 'profile')),
  fixture(
    'profile-operator',
    'profile',
    { ...PROFILE, email: OPERATOR.email, role: 'operator' },
    frame('Profile', {
      member: OPERATOR,
      current: 'profile',
      notice: { kind: 'done', text: 'Your account is made. You are logged in.' },
    }),
  ),
  fixture(
    'sessions-full',
    'account/sessions',
    { sessions: SESSIONS, othersCount: 3, hasApplications: true, browsers: BROWSERS },
    {
      ...member('Sessions', 'sessions'),
      notice: { kind: 'done', text: 'The session was ended. That browser is logged out.' },
    },
  ),
  fixture(
    'sessions-many',
    'account/sessions',
    {
      sessions: Array.from({ length: 9 }, (_, index) => ({
        ...(SESSIONS[index === 0 ? 0 : 1] as OwnSessionRow),
        id: `many-${index}`,
      })),
      ...{ othersCount: 8, hasApplications: false, browsers: [] },
    },
    member('Sessions', 'sessions'),
  ),
  fixture(
    'sessions-empty',
    'account/sessions',
    { sessions: SESSIONS.slice(0, 1), othersCount: 0, hasApplications: false, browsers: [] },
    member('Sessions', 'sessions'),
  ),
  fixture(
    'applications',
    'applications',
    {
      applications: [
        { name: 'Wiki', host: 'wiki.example.org', href: 'https://wiki.example.org/' },
        { name: 'Photos', host: 'photos.example.org', href: 'https://photos.example.org/' },
      ],
      logins: [
        { id: 'a1', name: 'Wiki', device: 'Firefox on Windows', here: true, since: ago(90), lastSeen: ago(3) },
        {
          id: 'a2',
          name: 'Photos',
          device: 'Unknown browser',
          here: false,
          since: ago(60 * 24),
          lastSeen: ago(60 * 5),
        },
      ],
    },
    member('Applications', 'applications'),
  ),
  fixture(
    'applications-empty',
    'applications',
    { applications: [], logins: [] },
    member('Applications', 'applications'),
  ),
  fixture(
    'activity',
    'account/activity',
    { activities: ACTIVITIES, olderHref: '/account/activity?before=5', newestHref: '/account/activity' },
    member('Activity', 'activity'),
  ),
  fixture(
    'activity-empty',
    'account/activity',
    { activities: [], olderHref: null, newestHref: null },
    member('Activity', 'activity'),
  ),
  fixture(
    'disown',
    'account/disown',
    { activity: LOGGED_IN, tokens: true, action: '/account/activity/3/not-me' },
    member('This wasn’t you?', 'activity'),
  ),
  fixture(
    'password',
    'account/password',
    { email: MEMBER.email, problem: null, errors: {} },
    member('Password', 'password'),
  ),
  fixture(
    'password-errors',
    'account/password',
    {
      email: MEMBER.email,
      problem: null,
      errors: {
        current: 'This is not your current password.',
        password: 'Use at least 8 characters.',
      },
    },
    member('Password', 'password'),
  ),
  fixture(
    'second-factor',
    'login/second-factor',
    { ahead: 'The wiki', totp: true, passkeys: true, problem: null, errors: {} },
    anonymous('One more step'),
  ),
  fixture(
    'second-factor-errors',
    'login/second-factor',
    {
      ...{ ahead: null, totp: true, passkeys: false, problem: null },
      errors: { recovery: en.secondFactor.problems.recovery_code.used },
    },
    anonymous('One more step'),
  ),
  fixture('security', 'account/security', security(), member('Security', 'security')),
  fixture('security-empty', 'account/security', NO_FACTORS, member('Security', 'security')),
  fixture(
    'security-required',
    'account/security',
    { ...NO_FACTORS, required: 'operator', problem: en.security.lastRequired },
    member('Security', 'security'),
  ),
  fixture('authenticator', 'account/authenticator', authenticator({}), member('Security', 'security')),
  fixture(
    'authenticator-errors',
    'account/authenticator',
    authenticator({ code: en.authenticator.problems.wrong }),
    member('Security', 'security'),
  ),
  fixture(
    'recovery-codes',
    'account/recovery-codes',
    {
      codes: Array.from({ length: 10 }, (_, index) => `7K2M${index}-QX9${index}A-0B4TN-HV6${index}C-W8RE3Z`),
      next: null,
    },
    member('Security', 'security'),
  ),
  fixture(
    'passkey-new',
    'account/passkey',
    { name: 'Firefox on Windows', next: null, problem: null, errors: {} },
    member('Security', 'security'),
  ),
  fixture(
    'confirm',
    'confirm',
    {
      totp: false,
      passkeys: false,
      email: MEMBER.email,
      ...CONFIRM_WORDS,
      next: '/account/sessions',
      problem: null,
      errors: {},
    },
    member('Confirm that it is you', null),
  ),
  fixture(
    'confirm-errors',
    'confirm',
    {
      totp: true,
      passkeys: true,
      email: MEMBER.email,
      ...CONFIRM_WORDS,
      next: null,
      problem: null,
      errors: { recovery: en.secondFactor.problems.recovery_code.wrong },
    },
    member('Confirm that it is you', null),
  ),
  fixture(
    'confirm-factor',
    'confirm',
    { totp: true, passkeys: false, email: MEMBER.email, ...CONFIRM_WORDS, next: null, problem: null, errors: {} },
    member('Confirm that it is you', null),
  ),
  fixture(
    'confirm-passkey',
    'confirm',
    { totp: false, passkeys: true, email: MEMBER.email, ...CONFIRM_WORDS, next: null, problem: null, errors: {} },
    member('Confirm that it is you', null),
  ),
  fixture('data', 'account/data', {}, member('Your data', 'profile')),
  fixture(
    'delete',
    'account/delete',
    { email: MEMBER.email, understood: false, problem: null, errors: {} },
    member('Delete', 'profile'),
  ),
  fixture(
    'delete-errors',
    'account/delete',
    { email: MEMBER.email, understood: false, problem: null, errors: { understood: en.deletion.notUnderstood } },
    member('Delete', 'profile'),
  ),
  fixture(
    'delete-last-operator',
    'account/delete',
    { email: OPERATOR.email, understood: false, problem: en.deletion.lastOperator, errors: {} },
    frame('Delete', { member: OPERATOR, current: 'profile' }),
  ),
  ...ERRORS.map(([status, heading, message, href, label]) =>
    fixture(
      `error-${status}`,
      'error',
      {
        status,
        heading,
        message,
        next: { href, label },
        requestId: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
        retryAt: status === 503 ? ago(-1) : null,
      },
      status === 403 ? member(heading, null) : anonymous(heading),
    ),
  ),
  fixture(
    'audit-full',
    'operator/audit',
    audit({
      rows: Array.from({ length: 50 }, (_, index) => auditRow(index)),
      chart: LINKED_DAY,
      liveHref: '/operator/audit/live?after=12408',
      olderHref: '/operator/audit?before=12359',
    }),
    operator(),
  ),
  fixture(
    'audit-filtered',
    'operator/audit',
    audit({
      views: SOME_VIEWS,
      rows: Array.from({ length: 9 }, (_, index) => auditRow(index)),
      matching: '9 match',
      filters: {
        ...NO_FILTERS,
        type: 'authn_login_fail',
        kept: [{ name: 'session', value: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e56' }],
        person: 'katherine.johnson@research.example.org',
        active: [
          {
            label: 'Type: authn_login_fail',
            withoutHref: '/operator/audit?person=katherine.johnson%40research.example.org',
          },
          {
            label: 'Person: katherine.johnson@research.example.org',
            withoutHref: '/operator/audit?type=authn_login_fail',
          },
        ],
      },
      newerHref: '/operator/audit?after=12408',
      newestHref: '/operator/audit',
      olderHref: '/operator/audit?before=12400',
    }),
    operator(),
  ),
  fixture(
    'audit-unfinished',
    'operator/audit',
    audit({
      matching: 'matches not counted',
      filters: {
        ...NO_FILTERS,
        text: 'refused',
        active: [{ label: 'Detail: refused', withoutHref: '/operator/audit' }],
      },
      looked: {
        seq: '9,012,408',
        at: ago(9_000),
        furtherHref: '/operator/audit?text=refused&before=9012408',
      },
      olderHref: '/operator/audit?text=refused&before=9012408',
    }),
    operator(),
  ),
  fixture(
    'audit-no-match',
    'operator/audit',
    audit({
      problem: 'No account has this e-mail address or id.',
      wrong: { person: true },
      filters: {
        ...NO_FILTERS,
        person: 'nobody@example.org',
        active: [{ label: 'Person: nobody@example.org', withoutHref: '/operator/audit' }],
      },
    }),
    operator(),
  ),
  fixture('audit-empty', 'operator/audit', audit({ total: '0' }), operator()),
  fixture('event', 'operator/event', event(), operator()),
  fixture(
    'event-altered',
    'operator/event',
    event({ problem: 'This event does not prove itself: event 12404 was altered.', ofSession: [], ofRequest: [] }),
    operator(),
  ),
  fixture(
    'operator-attempts',
    'operator/attempts',
    attempts({
      views: SHARED_VIEW,
      rows: [
        attempt('success', '203.0.113.7', '', 'ada@example.org'),
        attempt('failure', '2001:db8:85a3::8a2e:370:7334', 'wrong password', 'grace@example.org'),
        attempt('failure', '198.51.100.24', 'no such account'),
      ],
      chart: DAY,
      filters: {
        ...{ person: '', address: '', outcome: '', time: '7d' },
        active: [{ label: 'Last 7 days', withoutHref: '/operator/attempts' }],
      },
      newestHref: '/operator/attempts?time=7d',
      newerHref: '/operator/attempts?time=7d&after=x',
      olderHref: '/operator/attempts?time=7d&before=x',
    }),
    { ...operator(), title: 'Attempts', current: 'attempts' },
  ),
  fixture('operator-attempts-empty', 'operator/attempts', attempts(), {
    ...operator(),
    title: 'Attempts',
    current: 'attempts',
  }),
  fixture(
    'operator-blocks',
    'operator/blocks',
    {
      active: [block('b1', null), block('b2', null, { scope: 'One client, every account', person: null })],
      past: [block('b3', 'ran out'), block('b4', 'lifted by grace@example.org: they called us', { address: null })],
      count: '2 active, 2 past',
      asOf: ago(0),
      problem: null,
    },
    { ...operator(), title: 'Blocks', current: 'blocks' },
  ),
  fixture('operator-overview', 'operator/overview', OVERVIEW, inConsole('Overview', 'overview')),
  fixture(
    'operator-overview-away',
    'operator/overview',
    {
      ...OVERVIEW,
      people: OVERVIEW.people.map((figure) => ({ ...figure, value: null })),
      queues: null,
    },
    inConsole('Overview', 'overview'),
  ),
  fixture(
    'operator-everybody',
    'operator/everybody',
    {
      sessions: 'about 1,204,311 sessions',
      reason: '',
      problem: null,
      errors: { reason: 'Say why: the reason is recorded.' },
    },
    inConsole('End everybody’s sessions', 'overview'),
  ),
  fixture(
    'operator-users',
    'operator/users',
    users({
      rows: Array.from({ length: 30 }, (_, index) => peopleRow(index)),
      matching: 'more than 10,000 people',
      nextHref: '/operator/users?after=x',
    }),
    inConsole('People', 'people'),
  ),
  fixture(
    'operator-users-filtered',
    'operator/users',
    users({
      views: { ...SOME_VIEWS, saveHref: '/operator/views/save?list=people&q=research' },
      rows: [peopleRow(1), peopleRow(3)],
      matching: '2 people',
      filters: {
        ...{
          q: 'research',
          role: 'operator',
          state: 'disabled',
          factor: 'no',
          kept: [{ name: 'sort', value: 'login' }],
        },
        active: [
          { label: 'Address: research', withoutHref: '/operator/users?role=operator' },
          { label: 'Operators', withoutHref: '/operator/users?q=research' },
          { label: 'Disabled', withoutHref: '/operator/users?q=research' },
          { label: 'Without a second factor', withoutHref: '/operator/users?q=research' },
        ],
      },
      firstHref: '/operator/users',
      previousHref: '/operator/users?before=x',
    }),
    inConsole('People', 'people'),
  ),
  fixture(
    'operator-users-none',
    'operator/users',
    users({
      matching: '0 people',
      filters: {
        ...{ q: 'nobody', role: '', state: '', factor: '', kept: [] },
        active: [{ label: 'Address: nobody', withoutHref: '/operator/users' }],
      },
    }),
    inConsole('People', 'people'),
  ),
  fixture('operator-user', 'operator/user', USER, inConsole(MEMBER.email, 'people')),
  fixture(
    'operator-user-new',
    'operator/user',
    {
      ...USER,
      person: personRow(1, { disabled: true, role: 'member' }),
      password: { says: 'imported (bcrypt), until they log in', since: null },
      externalId: 'auth0|5f7c8ec7c33c6c004bbafe82',
      ...{ sessions: [], groups: [], knownBrowsers: 0, attempts: [], blocks: [], events: [] },
      factors: { totpSince: null, passkeys: 0, recoveryCodesLeft: 0 },
      acts: [{ label: 'Enable this account', href: '/operator/users/1/enable', danger: false }],
    },
    inConsole('katherine.johnson@research.example.org', 'people'),
  ),
  fixture('operator-act', 'operator/act', ACT, inConsole('Disable this account', 'people')),
  fixture(
    'operator-act-secure',
    'operator/act',
    {
      ...ACT,
      title: 'Secure this account',
      button: 'Secure this account',
      action: '/operator/users/0/secure',
      box: {
        name: 'factors',
        label: 'Remove its second factors too',
        hint: 'For when one of them may be somebody else’s.',
        checked: true,
      },
      facts: [
        { label: 'Known browsers', value: '2' },
        { label: 'Link', value: 'goes to this address by mail' },
      ],
      sessions: [sentence({})],
    },
    inConsole('Secure this account', 'people'),
  ),
  fixture(
    'operator-secure-many',
    'operator/secure-many',
    SECURE_MANY,
    inConsole('Secure the accounts of these events', 'audit'),
  ),
  fixture(
    'operator-secure-many-wrong',
    'operator/secure-many',
    {
      ...SECURE_MANY,
      errors: { reason: 'Say why: the reason is recorded.', number: 'They are 37: type that, to be sure.' },
    },
    inConsole('Secure the accounts of these events', 'audit'),
  ),
  fixture(
    'operator-secure-many-none',
    'operator/secure-many',
    {
      ...SECURE_MANY,
      count: 'No accounts',
      number: 0,
      shown: [],
      more: 0,
      operators: [],
      own: false,
      form: null,
      problem: 'More than 5,000 accounts match.',
    },
    inConsole('Secure the accounts of these events', 'audit'),
  ),
  fixture(
    'operator-tokens',
    'operator/tokens',
    { rows: [TOKEN, { ...TOKEN, lastUsedAt: null }], count: '2 tokens', asOf: ago(0) },
    inConsole('API tokens', 'people'),
  ),
  fixture(
    'operator-tokens-none',
    'operator/tokens',
    { rows: [], count: '0 tokens', asOf: ago(0) },
    inConsole('API tokens', 'people'),
  ),
  fixture('operator-token', 'operator/token', NEW_TOKEN, inConsole('Make an API token', 'people')),
  fixture(
    'operator-token-made',
    'operator/token',
    { ...NEW_TOKEN, secret: `holdfast_${'A'.repeat(43)}` },
    inConsole('Make an API token', 'people'),
  ),
  fixture('operator-securing', 'operator/securing', SECURING, inConsole('Securing accounts', 'audit')),
  fixture(
    'operator-securing-done',
    'operator/securing',
    { ...SECURING, done: 37, doneAt: ago(1), by: null, left: ['1 account deleted before its turn'] },
    inConsole('Securing accounts', 'audit'),
  ),
  fixture('operator-act-session', 'operator/act', END_ACT, inConsole('End this session', 'people')),
  fixture(
    'operator-act-session-ended',
    'operator/act',
    {
      ...END_ACT,
      sessions: [sentence({ state: { live: false, at: ago(3), why: 'its owner logged out', endHref: null } })],
      possible: false,
      problem: 'This session has ended already. There is nothing left to do.',
    },
    inConsole('End this session', 'people'),
  ),
  fixture(
    'operator-act-sessions',
    'operator/act',
    {
      ...END_ACT,
      title: 'End every session',
      button: 'End every session',
      sessions: [sentence({ isYours: true }), sentence({ device: 'Unknown browser', address: null })],
    },
    inConsole('End every session', 'people'),
  ),
  fixture(
    'operator-act-changed',
    'operator/act',
    {
      ...ACT,
      reason: 'left the company',
      problem:
        'This account was changed while you decided; below is what changed, and how it stands now. Nothing was done. Look again before you go on.',
      changes: [
        { what: 'Made an operator', who: 'by linus@example.org', at: ago(1), reason: 'on call this week' },
        { what: 'Enabled again', who: 'on the command line', at: ago(4), reason: null },
      ],
    },
    inConsole('Disable this account', 'people'),
  ),
  fixture(
    'operator-act-wrong',
    'operator/act',
    { ...ACT, danger: false, button: 'Send the link', errors: { reason: 'Say why: the reason is recorded.' } },
    inConsole('Send a link for a new password', 'people'),
  ),
  fixture(
    'operator-zone',
    'operator/zone',
    { zones: ['UTC', 'Europe/Lisbon', 'Asia/Tokyo'], zone: 'Europe/Lisbon', back: '/operator', problem: null },
    inConsole('Time zone', null),
  ),
  fixture('operator-queues', 'operator/queues', { boardHref: '/board' }, inConsole('Queues', 'queues')),
  fixture('operator-queues-away', 'operator/queues-away', {}, inConsole('Queues', 'queues')),
  fixture(
    'operator-blocks-empty',
    'operator/blocks',
    {
      active: [],
      past: [],
      count: '0 active, 0 past',
      asOf: ago(0),
      problem: 'Say why the block is lifted: the reason is recorded.',
    },
    { ...operator(), title: 'Blocks', current: 'blocks' },
  ),
  fixture(
    'login-throttled',
    'login',
    {
      email: 'ada@example.org',
      remember: false,
      next: null,
      ahead: null,
      problem: 'Too many attempts. Nothing was checked. Try again in 4 minutes, at 19:11:00 UTC.',
      errors: {},
      registerHref: '/register',
      forgotHref: '/forgot-password',
    },
    anonymous('Log in'),
  ),
];

/** The longest words are German ones: the pages of visitors once more, in what `show` would give them. */
const IN_GERMAN = IN_ENGLISH.filter(({ frame }) => !frame.wide).map((fixture) => ({
  ...fixture,
  name: `${fixture.name}-de`,
  frame: { ...fixture.frame, text: de },
}));

/** Every view in every state worth looking at. */
export const FIXTURES: readonly Fixture[] = [
  ...IN_ENGLISH,
  ...IN_GERMAN,
  ...registryFixtures({ ago, inConsole }),
  ...findFixtures({ ago, clock, inConsole }),
  ...drainFixtures({ ago, inConsole }),
  ...alertFixtures({ ago, clock, inConsole }),
  ...savedViewFixtures({ ago, inConsole }),
];

const HOSTILE_FIGURE = { label: HOSTILE, value: HOSTILE, note: HOSTILE, href: HOSTILE };
const HOSTILE_TIME = { text: HOSTILE, iso: HOSTILE };
const HOSTILE_PERSON = { id: HOSTILE, email: HOSTILE, onlyHref: HOSTILE };
const HOSTILE_FRAME: Frame = {
  text: en,
  languages: { others: [{ code: 'de', name: HOSTILE }], back: HOSTILE },
  serviceName: HOSTILE,
  title: HOSTILE,
  current: null,
  member: { email: HOSTILE, operator: true },
  csrf: HOSTILE,
  notice: { kind: 'info', text: HOSTILE },
  wide: false,
};
const HOSTILE_ERRORS = { email: HOSTILE, password: HOSTILE, current: HOSTILE, settings: HOSTILE, client: HOSTILE };

/** Every text of every view is an attack. */
export const HOSTILE_FIXTURES: readonly Fixture[] = [
  fixture(
    'hostile-delete',
    'account/delete',
    { email: HOSTILE, understood: false, problem: HOSTILE, errors: HOSTILE_ERRORS },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-email',
    'account/email',
    { email: HOSTILE, current: HOSTILE, waits: HOSTILE, problem: HOSTILE, errors: HOSTILE_ERRORS },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-mail',
    'operator/mail',
    {
      ...MAIL,
      rows: MAIL.rows.map((row) => ({ ...row, recipient: HOSTILE, template: HOSTILE, title: HOSTILE, error: HOSTILE })),
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-shown-mail',
    'operator/shown-mail',
    { mails: [{ to: HOSTILE, subject: HOSTILE, at: ago(1), pieces: [{ text: HOSTILE, href: null }] }] },
    HOSTILE_FRAME,
  ),
  fixture('hostile-invite', 'operator/invite', { ...INVITE, email: HOSTILE, link: HOSTILE }, HOSTILE_FRAME),
  fixture(
    'hostile-invitations',
    'operator/invitations',
    {
      rows: [
        { ...INVITATION, email: HOSTILE, by: { email: HOSTILE, href: HOSTILE }, state: HOSTILE, at: HOSTILE_TIME },
      ],
      count: HOSTILE,
      asOf: HOSTILE_TIME,
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-invitation-act',
    'operator/invitation-act',
    {
      ...INVITATION_ACT,
      title: HOSTILE,
      says: HOSTILE,
      reason: HOSTILE,
      problem: HOSTILE,
      errors: { reason: HOSTILE },
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-message',
    'message',
    { heading: HOSTILE, paragraphs: [HOSTILE], action: { href: '/', label: HOSTILE } },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-other-session',
    'other-session',
    { email: HOSTILE, says: HOSTILE, onward: '/', onwardLabel: HOSTILE, loggedOut: HOSTILE },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-forgot-password',
    'forgot-password',
    { email: HOSTILE, problem: HOSTILE, errors: { email: HOSTILE } },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-choose-password',
    'choose-password',
    { ...CHOOSE, email: HOSTILE, problem: HOSTILE, errors: { password: HOSTILE } },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-confirm-link',
    'confirm-link',
    { ...CONFIRM_LINK, email: HOSTILE, asksPassword: true, errors: { password: HOSTILE } },
    HOSTILE_FRAME,
  ),
  fixture('hostile-home', 'home', { loggedIn: false, registers: true }, HOSTILE_FRAME),
  fixture(
    'hostile-login',
    'login',
    {
      ...LOGIN,
      email: HOSTILE,
      next: HOSTILE,
      ahead: HOSTILE,
      errors: HOSTILE_ERRORS,
      registerHref: HOSTILE,
      forgotHref: '/forgot-password',
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-register',
    'register',
    { ...REGISTER, email: HOSTILE, next: HOSTILE, ahead: HOSTILE, problem: HOSTILE, loginHref: HOSTILE },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-profile',
    'profile',
    {
      email: HOSTILE,
      changesEmail: true,
      role: 'member',
      memberSince: HOSTILE_TIME,
      loggedInAt: HOSTILE_TIME,
      device: LONG_USER_AGENT,
      address: HOSTILE,
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-sessions',
    'account/sessions',
    {
      othersCount: 2,
      hasApplications: true,
      browsers: [
        { id: HOSTILE, device: LONG_USER_AGENT, knownSince: HOSTILE_TIME, lastUsed: HOSTILE_TIME, current: false },
      ],
      sessions: [
        {
          id: HOSTILE,
          device: LONG_USER_AGENT,
          address: HOSTILE,
          whereabouts: HOSTILE,
          unusual: HOSTILE,
          firstSeen: HOSTILE_TIME,
          lastSeen: HOSTILE_TIME,
          current: false,
          applications: [HOSTILE],
          method: HOSTILE,
          kept: true,
          until: HOSTILE_TIME,
          unusedUntil: HOSTILE_TIME,
        },
      ],
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-activity',
    'account/activity',
    {
      activities: [
        activityRow(1, HOSTILE, {
          at: HOSTILE_TIME,
          device: LONG_USER_AGENT,
          ip: HOSTILE,
          whereabouts: HOSTILE,
          unusual: HOSTILE,
        }),
      ],
      olderHref: null,
      newestHref: null,
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-password',
    'account/password',
    { email: HOSTILE, problem: null, errors: HOSTILE_ERRORS },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-security',
    'account/security',
    {
      ...security(),
      passkeys: [{ id: 'p1', name: HOSTILE, since: HOSTILE_TIME, lastUsed: HOSTILE_TIME }],
      tokens: [{ id: 't1', name: HOSTILE, since: HOSTILE_TIME, lastUsed: HOSTILE_TIME, until: HOSTILE_TIME }],
      problem: HOSTILE,
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-authenticator',
    'account/authenticator',
    {
      ...authenticator(HOSTILE_ERRORS),
      secret: HOSTILE,
      sealed: HOSTILE,
      uri: HOSTILE,
      qr: { size: 37, path: 'M4 4h7v1h-7z' },
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-passkey',
    'account/passkey',
    { name: HOSTILE, next: HOSTILE, problem: HOSTILE, errors: HOSTILE_ERRORS },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-confirm',
    'confirm',
    {
      totp: true,
      passkeys: true,
      email: HOSTILE,
      ...CONFIRM_WORDS,
      next: HOSTILE,
      problem: null,
      errors: HOSTILE_ERRORS,
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-error',
    'error',
    {
      status: 500,
      heading: HOSTILE,
      message: HOSTILE,
      next: { href: HOSTILE, label: HOSTILE },
      requestId: HOSTILE,
      retryAt: HOSTILE_TIME,
    },
    HOSTILE_FRAME,
  ),
  fixture(
    'hostile-audit',
    'operator/audit',
    audit({
      views: hostileViewsBar(HOSTILE),
      rows: [
        {
          seq: HOSTILE,
          occurredAt: HOSTILE_TIME,
          type: HOSTILE,
          title: HOSTILE,
          outcome: 'failure',
          outcomeOnlyHref: HOSTILE,
          actor: HOSTILE_PERSON,
          subject: HOSTILE_PERSON,
          address: { text: HOSTILE, onlyHref: HOSTILE },
          place: { code: HOSTILE, title: HOSTILE },
          unusual: { text: HOSTILE, onlyHref: HOSTILE },
          device: LONG_USER_AGENT,
          detail: HOSTILE,
          typeOnlyHref: HOSTILE,
          href: HOSTILE,
        },
      ],
      total: HOSTILE,
      asOf: HOSTILE_TIME,
      problem: HOSTILE,
      newerHref: HOSTILE,
      olderHref: HOSTILE,
      newestHref: HOSTILE,
      looked: { seq: HOSTILE, at: HOSTILE_TIME, furtherHref: HOSTILE },
      unusualHref: HOSTILE,
      types: [{ group: HOSTILE, label: HOSTILE, types: [{ name: HOSTILE, title: HOSTILE }] }],
      ranges: [{ label: HOSTILE, href: HOSTILE, current: true }],
      several: { ticked: new Set([HOSTILE]), not: false, kept: [{ name: HOSTILE, value: HOSTILE }] },
      filters: {
        ...{
          type: HOSTILE,
          manyTypes: HOSTILE,
          outcome: HOSTILE,
          person: HOSTILE,
          address: HOSTILE,
          text: HOSTILE,
          from: '',
          to: '',
        },
        kept: [{ name: HOSTILE, value: HOSTILE }],
        active: [{ label: HOSTILE, withoutHref: HOSTILE }],
      },
    }),
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-event',
    'operator/event',
    event({
      row: {
        ...auditRow(0),
        type: HOSTILE,
        title: HOSTILE,
        actor: HOSTILE_PERSON,
        subject: HOSTILE_PERSON,
        address: { text: HOSTILE, onlyHref: HOSTILE },
        device: LONG_USER_AGENT,
      },
      userAgent: LONG_USER_AGENT,
      whereabouts: HOSTILE,
      unusual: [HOSTILE],
      meaning: HOSTILE,
      request: { text: HOSTILE, onlyHref: HOSTILE },
      details: [{ name: HOSTILE, value: HOSTILE, words: HOSTILE }],
      problem: HOSTILE,
    }),
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-attempts',
    'operator/attempts',
    attempts({
      rows: [{ ...attempt('failure', HOSTILE, HOSTILE, HOSTILE), device: LONG_USER_AGENT, occurredAt: HOSTILE_TIME }],
      problem: HOSTILE,
      filters: {
        ...{ person: HOSTILE, address: HOSTILE, outcome: HOSTILE, time: HOSTILE },
        active: [{ label: HOSTILE, withoutHref: HOSTILE }],
      },
      outcomes: [{ value: HOSTILE, label: HOSTILE }],
      olderHref: HOSTILE,
    }),
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-overview',
    'operator/overview',
    {
      asOf: HOSTILE_TIME,
      people: [{ ...HOSTILE_FIGURE, time: HOSTILE_TIME, wrong: true }],
      ...{ recording: [HOSTILE_FIGURE], stores: [HOSTILE_FIGURE] },
      everybody: { at: HOSTILE_TIME, ended: HOSTILE, done: true },
      queues: [{ name: HOSTILE, waiting: 0, active: 0, delayed: 0, failed: 1 }],
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-everybody',
    'operator/everybody',
    { sessions: HOSTILE, reason: HOSTILE, problem: HOSTILE, errors: { reason: HOSTILE, word: HOSTILE } },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-users',
    'operator/users',
    users({
      rows: [
        {
          ...peopleRow(0),
          ...{ email: HOSTILE, href: HOSTILE, roleOnlyHref: HOSTILE, stateOnlyHref: HOSTILE, factorOnlyHref: HOSTILE },
          memberSince: HOSTILE_TIME,
        },
      ],
      matching: HOSTILE,
      problem: HOSTILE,
      filters: {
        ...{ q: HOSTILE, role: HOSTILE, state: HOSTILE, factor: HOSTILE, kept: [{ name: HOSTILE, value: HOSTILE }] },
        active: [{ label: HOSTILE, withoutHref: HOSTILE }],
      },
      choices: { ...{ role: [], state: [] }, factor: [{ value: HOSTILE, label: HOSTILE }] },
      nextHref: HOSTILE,
    }),
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-user',
    'operator/user',
    {
      ...USER,
      person: { ...personRow(0), id: HOSTILE, email: HOSTILE, href: HOSTILE },
      ended: [{ ...{ href: HOSTILE, device: HOSTILE, address: HOSTILE }, began: HOSTILE_TIME, state: LIVE }],
      sessions: [
        { ...session(HOSTILE, LONG_USER_AGENT, HOSTILE, 1, 1), firstSeen: HOSTILE_TIME, timelineHref: HOSTILE },
      ],
      attempts: [
        { occurredAt: HOSTILE_TIME, outcome: 'failure', address: HOSTILE, device: LONG_USER_AGENT, reason: HOSTILE },
      ],
      attemptsHref: HOSTILE,
      groups: [{ label: HOSTILE, href: HOSTILE }],
      events: [{ ...auditRow(0), actor: HOSTILE_PERSON, detail: HOSTILE, device: LONG_USER_AGENT }],
      eventsHref: HOSTILE,
      exportHref: HOSTILE,
      verifyCommand: HOSTILE,
      acts: [{ label: HOSTILE, href: HOSTILE, danger: true }],
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-secure-many',
    'operator/secure-many',
    {
      ...SECURE_MANY,
      filters: [HOSTILE],
      which: [{ label: HOSTILE, href: HOSTILE, current: true }],
      shown: [{ label: HOSTILE, href: HOSTILE }],
      operators: [{ label: HOSTILE, href: HOSTILE }],
      form: { action: HOSTILE, reason: HOSTILE, typed: HOSTILE },
      problem: HOSTILE,
      errors: { reason: HOSTILE, number: HOSTILE },
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-tokens',
    'operator/tokens',
    {
      rows: [{ ...TOKEN, name: HOSTILE, owner: { label: HOSTILE, href: HOSTILE }, revokeHref: HOSTILE }],
      count: HOSTILE,
      asOf: HOSTILE_TIME,
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-token',
    'operator/token',
    {
      ...NEW_TOKEN,
      person: { label: HOSTILE, href: HOSTILE },
      action: HOSTILE,
      typed: { name: HOSTILE, days: HOSTILE, reason: HOSTILE },
      url: HOSTILE,
      problem: HOSTILE,
      errors: { name: HOSTILE, days: HOSTILE, reason: HOSTILE },
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-securing',
    'operator/securing',
    { ...SECURING, reason: HOSTILE, by: { label: HOSTILE, href: HOSTILE }, left: [HOSTILE], eventsHref: HOSTILE },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-act',
    'operator/act',
    {
      ...{ title: HOSTILE, says: HOSTILE, button: HOSTILE, danger: true, action: HOSTILE, reason: HOSTILE, seen: 1 },
      person: { email: HOSTILE, href: HOSTILE, role: 'member', disabled: true },
      changes: [{ what: HOSTILE, who: HOSTILE, at: HOSTILE_TIME, reason: HOSTILE }],
      sessions: [sentence({ device: LONG_USER_AGENT, address: HOSTILE, began: HOSTILE_TIME })],
      facts: [{ label: HOSTILE, value: HOSTILE }],
      box: { name: 'factors', label: HOSTILE, hint: HOSTILE, checked: true },
      possible: true,
      problem: HOSTILE,
      errors: { reason: HOSTILE },
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  fixture(
    'hostile-blocks',
    'operator/blocks',
    {
      active: [block(HOSTILE, null, { scope: HOSTILE, address: HOSTILE, from: HOSTILE_TIME })],
      past: [block(HOSTILE, HOSTILE, { person: { email: HOSTILE, href: HOSTILE } })],
      count: HOSTILE,
      asOf: HOSTILE_TIME,
      problem: HOSTILE,
    },
    { ...HOSTILE_FRAME, wide: true },
  ),
  ...hostileDrainFixtures(HOSTILE, HOSTILE_TIME, { ...HOSTILE_FRAME, wide: true }),
  ...hostileAlertFixtures(HOSTILE, HOSTILE_TIME, { ...HOSTILE_FRAME, wide: true }),
  ...hostileRegistryFixtures(HOSTILE, HOSTILE_TIME, { ...HOSTILE_FRAME, wide: true }),
  ...hostileSavedViewFixtures(HOSTILE, HOSTILE_TIME, { ...HOSTILE_FRAME, wide: true }),
  ...hostileFindFixtures(HOSTILE, HOSTILE_TIME, { ...HOSTILE_FRAME, wide: true }),
];
