// What the console's page of drains is shown with in tests: full, empty, and hostile.
import type { ShownTime } from '../../src/web/texts/times-and-devices.ts';
import type { DrainViews, ShownDrain } from '../../src/web/view/drain-views.ts';
import type { Frame } from '../../src/web/view/views.ts';

interface Helpers {
  readonly ago: (minutes: number) => ShownTime;
  readonly inConsole: (title: string, current: Frame['current']) => Frame;
}

const page = (name: string, view: DrainViews['operator/drains'], frame: Frame) => ({
  name,
  view: 'operator/drains' as const,
  page: view,
  frame,
});

const actsOf = (name: string, first: string) => [
  { label: first, href: `/operator/drains/${name}/${first.toLowerCase()}`, danger: first === 'Pause' },
  { label: 'Send again', href: `/operator/drains/${name}/rewind`, danger: false },
];

function drain(name: string, more: Partial<ShownDrain>): ShownDrain {
  return {
    name,
    target: 'https://siem.example.org',
    format: 'ocsf',
    state: 'Goes on',
    wrong: false,
    sentTo: { number: '50,021', href: '/operator/audit/50021' },
    sentAt: null,
    behind: null,
    error: null,
    acts: actsOf(name, 'Pause'),
    ...more,
  };
}

export function drainFixtures({ ago, inConsole }: Helpers) {
  const frame = inConsole('Drains', 'drains');
  const drains = [
    drain('archive', { target: '/var/log/holdfast/audit.ndjson', format: 'holdfast', sentAt: ago(0) }),
    drain('loghost', {
      ...{ target: 'syslog+tls://logs.example.org:6514', format: 'ecs', sentTo: null },
      ...{
        state: 'Paused',
        wrong: true,
        behind: '50,021 events, the oldest for 26 hours',
        acts: actsOf('loghost', 'Resume'),
      },
    }),
    drain('siem', {
      ...{ state: 'Tried again after 12 failures', wrong: true, behind: '1,204 events, the oldest for 9 minutes' },
      ...{ sentAt: ago(9), error: { words: 'could not be reached (ECONNREFUSED)', at: ago(1) } },
    }),
  ];
  return [
    page('operator-drains', { drains, count: '3 drains', asOf: ago(0) }, frame),
    page('operator-drains-empty', { drains: [], count: '0 drains', asOf: ago(0) }, frame),
  ];
}

/** Everything that others wrote, as hostile as can be. */
export function hostileDrainFixtures(text: string, time: ShownTime, frame: Frame) {
  const link = { number: text, href: text };
  const acts = [{ label: text, href: text, danger: true }];
  const words = { target: text, format: text, state: text, behind: text, error: { words: text, at: time } };
  const drains = [drain(text, { ...words, sentTo: link, sentAt: time, acts })];
  return [page('hostile-drains', { drains, count: text, asOf: time }, frame)];
}
