// What the console's search and the page of a session are shown with in tests: full, empty, and hostile.
import type { ShownTime } from '../../src/web/texts/times-and-devices.ts';
import type { FindViews } from '../../src/web/view/find-views.ts';
import type { SessionViews, TimelineRow } from '../../src/web/view/session-views.ts';
import type { Frame } from '../../src/web/view/views.ts';

type Found = FindViews & SessionViews;

interface Helpers {
  readonly ago: (minutes: number) => ShownTime;
  readonly clock: (minutes: number) => ShownTime;
  readonly inConsole: (title: string, current: Frame['current']) => Frame;
}

function shown<V extends keyof Found>(name: string, view: V, page: Found[V], frame: Frame) {
  return { name, view, page, frame };
}

const FOUND: FindViews['operator/find'] = {
  typed: '2026',
  meanings: [
    { what: 'Event', name: 'No. 2,026', note: 'Log-in refused', href: '/operator/audit/2026' },
    { what: 'Person', name: 'on-call-2026@research.department.example.org', note: null, href: '/operator/users/1' },
    {
      what: 'Session',
      name: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
      note: 'of ada@example.org',
      href: '/operator/sessions/1',
    },
  ],
  people: 'all',
  mostPeople: 20,
};

const ROW: TimelineRow = {
  kind: 'inside',
  href: '/operator/audit/50021',
  at: { text: '18:40:00', iso: '2026-11-23T18:40:00.000Z' },
  title: 'Logged in',
  failed: false,
  by: null,
  address: null,
  device: null,
  where: null,
  unusual: null,
  detail: '',
};

export function sessionPage({ ago, clock }: Pick<Helpers, 'ago' | 'clock'>): SessionViews['operator/session'] {
  const address = { text: '2001:db8:85a3::8a2e:370:7334', onlyHref: '/operator/audit?address=2001:db8::1' };
  const state = { live: true, at: ago(4), why: null, endHref: '/operator/users/0/sessions/1/revoke' };
  const ended = { live: false, at: ago(60), why: 'a newer session of the same browser took its place', endHref: null };
  return {
    id: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
    person: { email: 'ada@example.org', href: '/operator/users/0', known: true },
    facts: {
      state,
      began: { at: ago(60), exactly: '23 Nov 2026, 18:07:00' },
      loggedIn: { at: ago(60 * 5), exactly: '23 Nov 2026, 14:07:00' },
      address,
      device: 'Firefox on Windows',
      userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
      proved: 'a password and a code of the app',
      kept: true,
      application: null,
    },
    yours: false,
    others: [
      {
        ...{ href: '/operator/sessions/2', device: 'Firefox on Windows', address: address.text },
        application: null,
        began: ago(300),
        state: ended,
      },
      {
        ...{ href: '/operator/sessions/3', device: 'Firefox on Windows', address: null },
        application: 'Wiki',
        began: ago(50),
        state,
      },
    ],
    rows: [
      {
        ...ROW,
        kind: 'before',
        at: clock(303),
        title: 'Log-in refused',
        failed: true,
        address,
        device: 'Firefox on Windows',
        detail: 'reason: wrong password',
      },
      { ...ROW, at: clock(300), where: 'another session of this log-in', unusual: 'new country, new kind of browser' },
      { ...ROW, at: clock(60), title: 'Identity confirmed' },
      { ...ROW, at: clock(50), title: 'Entered an application', where: 'session at Wiki', detail: 'application: wiki' },
      {
        ...ROW,
        at: clock(30),
        title: 'Access refused',
        failed: true,
        address: { ...address, text: '203.0.113.7' },
        detail: 'path: /operator/users, method: GET',
      },
      {
        ...ROW,
        kind: 'meanwhile',
        at: clock(20),
        title: 'Added to a group',
        by: { email: 'grace@example.org', href: '/operator/users/1' },
        detail: 'group: staff',
      },
    ],
    cut: false,
    end: { unused: ago(-60 * 10), latest: ago(-60 * 24 * 6) },
    eventsHref: '/operator/audit?session=1',
    secureHref: '/operator/users/1/secure',
  };
}

export function findFixtures({ ago, clock, inConsole }: Helpers) {
  const page = sessionPage({ ago, clock });
  const ended = { live: false, at: ago(20), why: 'an operator ended it', endHref: null };
  return [
    shown('operator-find', 'operator/find', FOUND, inConsole('Find', null)),
    shown('operator-find-empty', 'operator/find', { ...FOUND, typed: '', meanings: [] }, inConsole('Find', null)),
    shown(
      'operator-find-nothing',
      'operator/find',
      { ...FOUND, typed: 'nobody@example.org', meanings: [], people: 'not looked through' },
      inConsole('Find', null),
    ),
    shown('operator-session', 'operator/session', page, inConsole('Session of ada@example.org', 'people')),
    shown(
      'operator-session-ended',
      'operator/session',
      {
        ...page,
        ...{ others: [], cut: true, end: null },
        facts: page.facts && { ...page.facts, state: ended, loggedIn: null, kept: false },
      },
      inConsole('Session of ada@example.org', 'people'),
    ),
    shown(
      'operator-session-gone',
      'operator/session',
      {
        ...page,
        facts: null,
        others: [],
        rows: [],
        end: null,
        person: { ...page.person, email: page.id, known: false },
      },
      inConsole(`Session of ${page.id}`, 'people'),
    ),
  ];
}

/** `text` in place of all that comes from elsewhere. */
export function hostileFindFixtures(text: string, time: ShownTime, frame: Frame) {
  const at = () => time;
  const page = sessionPage({ ago: at, clock: at });
  const address = { text, onlyHref: text };
  return [
    shown(
      'hostile-find',
      'operator/find',
      { ...FOUND, typed: text, meanings: [{ what: text, name: text, note: text, href: text }], people: 'more' },
      frame,
    ),
    shown(
      'hostile-session',
      'operator/session',
      {
        ...page,
        id: text,
        person: { email: text, href: text, known: true },
        facts: page.facts && { ...page.facts, address, device: text, userAgent: text, application: text },
        others: page.others.map((other) => ({ ...other, href: text, device: text, address: text, application: text })),
        rows: page.rows.map((row) => ({
          ...{ ...row, href: text, title: text, by: { email: text, href: text } },
          ...{ address, device: text, where: text, unusual: text, detail: text },
        })),
        eventsHref: text,
        secureHref: text,
      },
      frame,
    ),
  ];
}
