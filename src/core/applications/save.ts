// Writing an application's settings within a transaction, after the looks that only a transaction can take: whether slug, host and
// groups are free and there. What the change no longer allows ends with it.
import type { Actor } from '../audit/events.ts';
import type { EndApplicationSessions } from '../groups/entry-lost.ts';
import type { Transaction } from '../platform/database.ts';
import {
  type Application,
  type ApplicationSettings,
  changeDetail,
  type SettingChange,
  settingChanges,
  settingsOf,
} from './application.ts';
import {
  findApplication,
  findGroupsWithin,
  insertApplicationWithin,
  updateApplicationWithin,
} from './application-rows.ts';
import { endAfterChangeWithin } from './end-after-change.ts';
import { hostnameOf } from './origins.ts';
import { type SettingProblems, slugProblem } from './typed-settings.ts';

export type SaveResult =
  | { readonly ok: true; readonly application: Application; readonly changes: readonly SettingChange[] }
  | { readonly ok: false; readonly problems: SettingProblems };

export async function registerWithin(
  transaction: Transaction,
  slug: string,
  settings: ApplicationSettings,
  by: Actor,
): Promise<SaveResult> {
  const { ids, problems } = await look(transaction, settings, null);
  const wrongSlug = slugProblem(slug) ?? (await takenProblem(transaction, slug));
  const all = { ...(wrongSlug ? { slug: wrongSlug } : {}), ...problems };
  if (Object.keys(all).length > 0) return { ok: false, problems: all };
  return { ok: true, application: await insertApplicationWithin(transaction, slug, settings, ids, by), changes: [] };
}

/** No changes, and nothing is written or recorded. */
export async function changeWithin(
  transaction: Transaction,
  end: EndApplicationSessions,
  { before, settings }: { readonly before: Application; readonly settings: ApplicationSettings },
  by: Actor,
): Promise<SaveResult> {
  const { ids, problems, names } = await look(transaction, settings, before);
  if (Object.keys(problems).length > 0) return { ok: false, problems };
  const changes = settingChanges(settingsOf(before), { ...settings, groups: names });
  if (changes.length === 0) return { ok: true, application: before, changes };
  const change = { detail: changeDetail(changes), by };
  const after = await updateApplicationWithin(transaction, before, settings, ids, change);
  await endAfterChangeWithin(end, transaction, { before, after }, by);
  return { ok: true, application: after, changes };
}

async function look(transaction: Transaction, { url, groups }: ApplicationSettings, own: Application | null) {
  const { ids, names, unknown } = await findGroupsWithin(transaction, groups);
  const there = await transaction.application.findMany({ select: { id: true, slug: true, url: true } });
  const other = there.find((one) => one.id !== own?.id && hostnameOf(one.url) === hostnameOf(url));
  const problems: SettingProblems = {
    ...(unknown.length > 0 ? { groups: `There is no group ${unknown.map((name) => `“${name}”`).join(', ')}.` } : {}),
    ...(other
      ? { url: `“${other.slug}” has this host already: ports do not part cookies, so a host is one application’s.` }
      : {}),
  };
  return { ids, names, problems };
}

async function takenProblem(transaction: Transaction, slug: string): Promise<string | null> {
  return (await findApplication(transaction, { slug })) ? 'There is an application with this slug already.' : null;
}
