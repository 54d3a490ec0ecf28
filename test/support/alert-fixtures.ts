// What the console's pages of alerts are shown with in tests: full, empty, with errors, and hostile.
import type { ShownTime } from '../../src/web/texts/times-and-devices.ts';
import type { AlertRow, AlertViews, ShownChannel } from '../../src/web/view/alert-views.ts';
import type { Frame } from '../../src/web/view/views.ts';

interface Helpers {
  readonly ago: (minutes: number) => ShownTime;
  readonly clock: (minutes: number) => ShownTime;
  readonly inConsole: (title: string, current: Frame['current']) => Frame;
}

function page<View extends keyof AlertViews>(name: string, view: View, shown: AlertViews[View], frame: Frame) {
  return { name, view, page: shown, frame };
}

const row = (title: string, more: Partial<AlertRow> = {}): AlertRow => ({
  title,
  href: '/operator/alerts/new_operator',
  state: 'on',
  wrong: false,
  to: 'operators, webhook',
  newest: null,
  ...more,
});

const FORM: AlertViews['operator/alert-form'] = {
  title: 'Change: Mail can’t be sent',
  action: '/operator/alerts/mail_failing/change',
  back: '/operator/alerts/mail_failing',
  seen: 2,
  always: false,
  typed: { enabled: true, operators: true, webhook: true, addresses: 'night@example.org security@example.org' },
  reason: '',
  problem: null,
  errors: {},
};

export function alertFixtures({ ago, clock, inConsole }: Helpers) {
  const frame = inConsole('Alerts', 'alerts');
  const [acts, eventsHref] = [
    [
      { label: 'Change', href: '/operator/alerts/mail_failing/change', danger: false },
      { label: 'Send a test', href: '/operator/alerts/mail_failing/test', danger: false },
    ],
    '/operator/audit?type=sys_alert_told',
  ];
  const rows = [
    row('A new operator', { to: 'operators, 2 addresses, webhook', newest: { at: clock(90), count: 1 } }),
    row('An operator’s second factor was removed'),
    row('One client tries many accounts', { state: 'off', wrong: true, to: 'nobody' }),
    row('Mail can’t be sent', { state: 'goes on', wrong: true, newest: { at: clock(12), count: 4 } }),
    row('The audit log is not the one that was signed'),
  ];
  const channels: ShownChannel[] = [
    {
      name: 'Mail',
      target: 'to 3 operators',
      left: '3 wait, 1 given up this week',
      error: { words: 'connect ECONNREFUSED 192.0.2.25:587', at: ago(1) },
    },
    { name: 'Webhook', target: 'https://alerts.example.org', left: null, error: null },
  ];
  const silent: ShownChannel[] = [
    { name: 'Mail', target: 'no mail can be sent: set SMTP_URL', left: null, error: null },
    { name: 'Webhook', target: 'none: set ALERT_WEBHOOK_URL', left: null, error: null },
  ];
  const one: AlertViews['operator/alert'] = {
    title: 'Mail can’t be sent',
    todo: 'See what the server says at /operator/mail. What waits is sent once it takes mail again.',
    facts: [
      { label: 'State', value: 'Told' },
      { label: 'Goes to', value: 'operators, 2 addresses, webhook' },
      { label: 'Addresses', value: 'night@example.org security@example.org' },
    ],
    newest: {
      at: ago(12),
      says: 'The mail server has taken no mail for 10 minutes.',
      times: '4 times within an hour',
      event: null,
      beside: [],
    },
    goesOn: ago(12),
    acts,
    eventsHref,
  };
  const errors = { addresses: 'This is not an e-mail address: night', reason: 'Say why: the reason is recorded.' };
  return [
    page('operator-alerts', 'operator/alerts', { rows, channels, asOf: ago(0) }, frame),
    page(
      'operator-alerts-silent',
      'operator/alerts',
      { rows: [row('A new operator')], channels: silent, asOf: ago(0) },
      frame,
    ),
    page('operator-alert', 'operator/alert', one, frame),
    page(
      'operator-alert-of-an-event',
      'operator/alert',
      {
        ...one,
        goesOn: null,
        newest: {
          ...one.newest,
          at: ago(9),
          says: 'A second factor of an operator was removed.',
          times: '',
          event: { number: '50,021', href: '/operator/audit/50021' },
          beside: [{ label: 'Log-ins from there', href: '/operator/audit?address=198.51.100.7' }],
        },
      },
      frame,
    ),
    page('operator-alert-never', 'operator/alert', { ...one, goesOn: null, newest: null }, frame),
    page('operator-alert-form', 'operator/alert-form', FORM, frame),
    page('operator-alert-form-always', 'operator/alert-form', { ...FORM, always: true }, frame),
    page('operator-alert-form-errors', 'operator/alert-form', { ...FORM, errors }, frame),
  ];
}

/** Everything that others wrote, as hostile as can be. */
export function hostileAlertFixtures(text: string, time: ShownTime, frame: Frame) {
  const event = { number: text, href: text };
  const hostileRow = row(text, { href: text, wrong: true, to: text, newest: { at: time, count: 3 } });
  const channels = [{ name: text, target: text, left: text, error: { words: text, at: time } }];
  const acts = [{ label: text, href: text, danger: true }];
  const one = { title: text, todo: text, facts: [{ label: text, value: text }], goesOn: time, acts, eventsHref: text };
  const typed = { enabled: true, operators: true, webhook: true, addresses: text };
  const errors = { addresses: text, reason: text };
  const form = { ...FORM, title: text, action: text, back: text, typed, reason: text, problem: text, errors };
  return [
    page('hostile-alerts', 'operator/alerts', { rows: [hostileRow], channels, asOf: time }, frame),
    page(
      'hostile-alert',
      'operator/alert',
      { ...one, newest: { at: time, says: text, times: text, event, beside: [{ label: text, href: text }] } },
      frame,
    ),
    page('hostile-alert-form', 'operator/alert-form', form, frame),
  ];
}
