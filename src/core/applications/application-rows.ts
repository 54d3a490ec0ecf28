// The table of applications: read whole, and changed within a transaction, each change with its event. The caller has raised the
// version and ends the sessions.
import { v7 as uuidv7 } from 'uuid';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { Actor, Detail, NewAuditEvent } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { groupKey } from '../groups/group-name.ts';
import type { Transaction } from '../platform/database.ts';
import { type Application, type ApplicationSettings, inWords } from './application.ts';

const WITH_GROUPS = {
  groups: { select: { group: { select: { id: true, name: true } } }, orderBy: { group: { nameKey: 'asc' } } },
} as const satisfies Prisma.ApplicationInclude;

type Row = Prisma.ApplicationGetPayload<{ include: typeof WITH_GROUPS }>;

function fromRow({ groups, ...row }: Row): Application {
  return { ...row, groups: groups.map(({ group }) => group) };
}

/** By slug. */
export async function readApplications(database: Transaction): Promise<Application[]> {
  return (await database.application.findMany({ include: WITH_GROUPS, orderBy: { slug: 'asc' } })).map(fromRow);
}

export async function findApplication(
  database: Transaction,
  where: { readonly id: string } | { readonly slug: string },
): Promise<Application | null> {
  const row = await database.application.findUnique({ where, include: WITH_GROUPS });
  return row && fromRow(row);
}

export type GroupIds = readonly string[];

/** The groups of these names, as they spell themselves; the names that there are none of. */
export async function findGroupsWithin(
  transaction: Transaction,
  typed: readonly string[],
): Promise<{ readonly ids: GroupIds; readonly names: readonly string[]; readonly unknown: readonly string[] }> {
  const groups = await transaction.accountGroup.findMany({ where: { nameKey: { in: typed.map(groupKey) } } });
  const known = new Set(groups.map(({ nameKey }) => nameKey));
  const unknown = typed.filter((name) => !known.has(groupKey(name)));
  return { ids: groups.map(({ id }) => id), names: groups.map(({ name }) => name), unknown };
}

export async function insertApplicationWithin(
  transaction: Transaction,
  slug: string,
  settings: ApplicationSettings,
  groupIds: GroupIds,
  by: Actor,
): Promise<Application> {
  const id = uuidv7();
  const groups = { create: groupIds.map((groupId) => ({ groupId })) };
  await transaction.application.create({ data: { id, slug, ...columnsOf(settings), groups } });
  await recordEvent(transaction, applicationEvent('application_registered', { slug }, inWords(settings), by));
  return must(await findApplication(transaction, { id }));
}

export async function updateApplicationWithin(
  transaction: Transaction,
  application: Application,
  settings: ApplicationSettings,
  groupIds: GroupIds,
  change: { readonly detail: Detail; readonly by: Actor },
): Promise<Application> {
  const { id } = application;
  await transaction.applicationGroup.deleteMany({ where: { applicationId: id } });
  const groups = { create: groupIds.map((groupId) => ({ groupId })) };
  const data = { ...columnsOf(settings), groups, version: { increment: 1 } };
  await transaction.application.update({ where: { id }, data });
  await recordEvent(transaction, applicationEvent('application_changed', application, change.detail, change.by));
  return must(await findApplication(transaction, { id }));
}

export async function setDisabledWithin(
  transaction: Transaction,
  application: Application,
  disabledAt: Date | null,
  by: Actor,
): Promise<void> {
  const data = { disabledAt, version: { increment: 1 } };
  await transaction.application.update({ where: { id: application.id }, data });
  const detail = { disabled_before: application.disabledAt !== null, disabled_after: disabledAt !== null };
  await recordEvent(transaction, applicationEvent('application_changed', application, detail, by));
}

export async function deleteApplicationWithin(
  transaction: Transaction,
  application: Application,
  by: Actor,
): Promise<void> {
  const { id, name, url } = application;
  await transaction.application.delete({ where: { id } });
  await recordEvent(transaction, applicationEvent('application_removed', application, { name, url }, by));
}

function columnsOf({ groups: _, ...settings }: ApplicationSettings) {
  return { ...settings, framedBy: [...settings.framedBy], host: new URL(settings.url).host };
}

function applicationEvent(
  type: NewAuditEvent['type'],
  { slug }: Pick<Application, 'slug'>,
  detail: Detail,
  { actor, origin, session = null, reason }: Actor,
): NewAuditEvent {
  const why = reason ? { reason } : {};
  const about = { application: slug, ...detail, ...why };
  return { type, outcome: 'success', actor, subject: null, session, origin, detail: about };
}

function must(application: Application | null): Application {
  if (!application) throw new Error('an application that was just written is not there');
  return application;
}
