// From applications as they are to applications as a file wants them.
import { groupKey } from '../../groups/group-name.ts';
import { type Application, type ApplicationSettings, inWords, settingChanges, settingsOf } from '../application.ts';
import { hostnameOf } from '../origins.ts';
import { readSettings, type SettingProblems, slugProblem } from '../typed-settings.ts';
import type { Place, RegistryChange, RegistryProblem, WantedApplication } from './wanted.ts';

export interface ApplicationStep {
  readonly slug: string;
  readonly settings: ApplicationSettings;
  /** Null for one that is to be registered. */
  readonly before: Application | null;
  /** Whether its settings change. */
  readonly changes: boolean;
  /** Null leaves it. */
  readonly disables: boolean | null;
}

export interface ApplicationPlan {
  readonly problems: readonly RegistryProblem[];
  readonly steps: readonly ApplicationStep[];
  readonly removed: readonly Application[];
  readonly changes: readonly RegistryChange[];
}

interface Surroundings {
  readonly present: readonly Application[];
  /** As the groups will be: their names, as they spell themselves, by what is compared. */
  readonly groups: ReadonlyMap<string, string>;
  readonly prune: boolean;
  readonly publicOrigin: string;
}

export function planApplications(wanted: readonly WantedApplication[] | null, around: Surroundings): ApplicationPlan {
  if (wanted === null) return { problems: [], steps: [], removed: [], changes: [] };
  const named = new Set(wanted.map(({ slug }) => slug));
  const others = around.present.filter(({ slug }) => !named.has(slug));
  const read = wanted.map((one, index) => stepTo(one, ['applications', index], around));
  const steps = read.flatMap(({ step }) => step ?? []);
  const removed = around.prune ? others : [];
  const hosts = hostProblems(read, around.prune ? [] : others);
  const problems = [...read.flatMap((one) => one.problems), ...twice(wanted), ...hosts];
  const removals = removed.map(({ slug }) => ({ action: 'remove', application: slug }) as const);
  return { problems, steps, removed, changes: [...steps.flatMap(changesOf), ...removals] };
}

interface ReadStep {
  readonly place: Place;
  readonly step: ApplicationStep | null;
  readonly problems: readonly RegistryProblem[];
}

function stepTo({ slug, settings, disabled }: WantedApplication, place: Place, around: Surroundings): ReadStep {
  const wrongSlug = slugProblem(slug);
  const slugProblems = wrongSlug ? [{ place: [...place, 'slug'], says: wrongSlug }] : [];
  const read = readSettings(settings, around.publicOrigin);
  if (!read.ok) return { place, step: null, problems: [...slugProblems, ...fieldProblems(read.problems, place)] };
  const groups = read.settings.groups.map((name) => around.groups.get(groupKey(name)) ?? name);
  const unknown = read.settings.groups.flatMap((name, index) => {
    const says = `There is no group “${name}”, and the file makes none.`;
    return around.groups.has(groupKey(name)) ? [] : [{ place: [...place, 'enter', index], says }];
  });
  const before = around.present.find((one) => one.slug === slug) ?? null;
  const after = { ...read.settings, groups };
  const changes = before !== null && settingChanges(settingsOf(before), after).length > 0;
  const is = before !== null && before.disabledAt !== null;
  const disables = disabled === null || disabled === is ? null : disabled;
  return { place, step: { slug, settings: after, before, changes, disables }, problems: [...slugProblems, ...unknown] };
}

/** The keys of the file, where they differ from the fields. */
const KEYS: Readonly<Record<string, string>> = { groups: 'enter' };

function fieldProblems(problems: SettingProblems, place: Place): RegistryProblem[] {
  return Object.entries(problems).map(([field, says]) => ({
    place: [...place, KEYS[field] ?? field],
    says: says ?? '',
  }));
}

function twice(wanted: readonly WantedApplication[]): RegistryProblem[] {
  return wanted.flatMap(({ slug }, index) => {
    if (wanted.findIndex((one) => one.slug === slug) === index) return [];
    return [{ place: ['applications', index, 'slug'], says: `The application “${slug}” stands here twice.` }];
  });
}

/** A host is one application's, among those of the file and those that stay. */
function hostProblems(read: readonly ReadStep[], others: readonly Application[]): RegistryProblem[] {
  const owners = new Map(others.map(({ url, slug }) => [hostnameOf(url), slug]));
  return read.flatMap(({ step, place }) => {
    if (!step) return [];
    const hostname = hostnameOf(step.settings.url);
    const owner = owners.get(hostname);
    owners.set(hostname, owner ?? step.slug);
    if (owner === undefined || owner === step.slug) return [];
    return [{ place: [...place, 'url'], says: `“${owner}” has this host already: ports do not part cookies.` }];
  });
}

function changesOf({ slug: application, settings, before, disables }: ApplicationStep): RegistryChange[] {
  if (before === null) {
    const disabled = disables === null ? {} : { disabled: disables };
    return [{ action: 'register', application, settings: { ...inWords(settings), ...disabled } }];
  }
  const disabling =
    disables === null ? [] : [{ setting: 'disabled', before: before.disabledAt !== null, after: disables } as const];
  const changes = [...settingChanges(settingsOf(before), settings), ...disabling];
  return changes.length === 0 ? [] : [{ action: 'change', application, changes }];
}
