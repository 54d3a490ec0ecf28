// What the pages of saved views, and lists that have some, are shown with in tests: full, empty, and hostile.
import type { ShownTime } from '../../src/web/texts/times-and-devices.ts';
import type { SavedViewRow, SavedViewViews, ViewsBar } from '../../src/web/view/saved-view-views.ts';
import type { Frame } from '../../src/web/view/views.ts';

interface Helpers {
  readonly ago: (minutes: number) => ShownTime;
  readonly inConsole: (title: string, current: Frame['current']) => Frame;
}

export const NO_VIEWS: ViewsBar = { own: [], saveHref: null, shared: null };

export const SOME_VIEWS: ViewsBar = {
  own: [
    { label: 'Refused last night', href: '/operator/views/1', current: true },
    { label: 'Unusual log-ins of the treasurers, all of this week', href: '/operator/views/2', current: false },
    { label: 'Spraying', href: '/operator/views/3', current: false },
  ],
  saveHref: null,
  shared: null,
};

export const SHARED_VIEW: ViewsBar = {
  own: [],
  saveHref: '/operator/views/save?list=attempts&outcome=failure&view=4',
  shared: { name: 'Refused at the gate', by: 'grace.hopper@research.department.example.org' },
};

function shown<V extends keyof SavedViewViews>(name: string, view: V, page: SavedViewViews[V], frame: Frame) {
  return { name, view, page, frame };
}

const row = (name: string, list: string, since: ShownTime): SavedViewRow => ({
  ...{ id: '0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55', name, list, since, typed: name },
  href: '/operator/views/0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
  link: 'https://login.example.org/operator/views/0193a1f2-5b7c-7c3e-9d4a-2f6b8c1d0e55',
});

const SAVING: SavedViewViews['operator/save-view'] = {
  list: 'Audit log',
  filters: ['Type: Log-in refused', 'Time: last night, 28 Nov 2026, 22:00:00 to 29 Nov 2026, 06:00:00'],
  ...{ relative: true, action: '/operator/views/save', name: '', back: '/operator/audit', problem: null, errors: {} },
};

export function savedViewFixtures({ ago, inConsole }: Helpers) {
  const views = inConsole('Saved views', null);
  const saving = inConsole('Save this view', 'audit');
  const rows = [
    row('Refused last night', 'Audit log', ago(3)),
    { ...row('Unusual log-ins of the treasurers, all of this week', 'Attempts', ago(90_000)), id: '2' },
  ];
  return [
    shown('operator-views', 'operator/views', { rows, problem: null }, views),
    shown('operator-views-none', 'operator/views', { rows: [], problem: null }, views),
    shown('operator-save-view', 'operator/save-view', SAVING, saving),
    shown(
      'operator-save-view-taken',
      'operator/save-view',
      { ...SAVING, name: 'Spraying', errors: { name: 'Another of your views of this list has this name.' } },
      saving,
    ),
  ];
}

/** `text` in place of all that people typed. */
export function hostileSavedViewFixtures(text: string, time: ShownTime, frame: Frame) {
  const rows = [{ ...row(text, text, time), id: text, href: text, link: text }];
  const saving = {
    ...SAVING,
    list: text,
    filters: [text],
    action: text,
    name: text,
    back: text,
    errors: { name: text },
  };
  return [
    shown('hostile-views', 'operator/views', { rows, problem: text }, frame),
    shown('hostile-save-view', 'operator/save-view', saving, frame),
  ];
}

export function hostileViewsBar(text: string): ViewsBar {
  return { own: [{ label: text, href: text, current: true }], saveHref: text, shared: { name: text, by: text } };
}
