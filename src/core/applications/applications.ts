// The applications that Holdfast stands in front of. A change is one transaction: with its event, noticed by every process, and
// ending the sessions that it no longer allows.
import type { Actor } from '../audit/events.ts';
import { raiseApplicationVersionWithin } from '../groups/application-version.ts';
import { type EndApplicationSessions, entryLost } from '../groups/entry-lost.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { Application, SettingChange } from './application.ts';
import { deleteApplicationWithin, findApplication, readApplications, setDisabledWithin } from './application-rows.ts';
import { mayEnterWithin } from './entry.ts';
import { changeWithin, registerWithin, type SaveResult } from './save.ts';
import { readSettings, type SettingProblems, slugProblem, type TypedSettings } from './typed-settings.ts';

export type { Application } from './application.ts';

export type ApplicationChangeResult =
  | { readonly ok: true; readonly application: Application; readonly changes: readonly SettingChange[] }
  | { readonly ok: false; readonly reason: 'problems'; readonly problems: SettingProblems }
  | { readonly ok: false; readonly reason: 'no_application' | 'unchanged' | 'changed_meanwhile' };

export interface ApplicationsOptions {
  readonly database: Database;
  readonly endApplicationSessions: EndApplicationSessions;
  /** Holdfast's own origin. */
  readonly publicOrigin: string;
}

export type Applications = ReturnType<typeof createApplications>;

export function createApplications({ database, endApplicationSessions: end, publicOrigin }: ApplicationsOptions) {
  const { prisma, transact, clock } = database;

  /** Nothing is kept, the raised version included, unless it changed something. */
  function changing(
    which: { readonly id: string; readonly by: Actor },
    change: (transaction: Transaction, application: Application) => Promise<ApplicationChangeResult>,
  ): Promise<ApplicationChangeResult> {
    return transact<ApplicationChangeResult>(async (transaction, rollback) => {
      await raiseApplicationVersionWithin(transaction);
      const application = await findApplication(transaction, { id: which.id });
      if (!application) return rollback({ ok: false, reason: 'no_application' });
      const { seen = application.version } = which.by;
      if (seen !== application.version) return rollback({ ok: false, reason: 'changed_meanwhile' });
      const result = await change(transaction, application);
      return result.ok ? result : rollback(result);
    });
  }

  function problemsOf(typed: TypedSettings, slug: string | null): SettingProblems {
    const read = readSettings(typed, publicOrigin);
    const wrong = slug === null ? null : slugProblem(slug);
    return { ...(wrong ? { slug: wrong } : {}), ...(read.ok ? {} : read.problems) };
  }

  return {
    mayEnterWithin,

    /** By slug. */
    list: (): Promise<Application[]> => readApplications(prisma),
    find: (id: string): Promise<Application | null> => findApplication(prisma, { id }),
    findBySlug: (slug: string): Promise<Application | null> => findApplication(prisma, { slug }),

    /** All of them at one version. */
    snapshot(): Promise<{ readonly version: bigint; readonly applications: readonly Application[] }> {
      return prisma.$transaction(
        async (transaction) => {
          const { version } = await transaction.applicationVersion.findUniqueOrThrow({ where: { id: 1 } });
          return { version, applications: await readApplications(transaction) };
        },
        { isolationLevel: 'RepeatableRead' },
      );
    },

    /** What is wrong with settings, and with the slug of a new application, as far as it is seen without the others. */
    problemsOf,

    register(slug: string, typed: TypedSettings, by: Actor): Promise<ApplicationChangeResult> {
      const read = readSettings(typed, publicOrigin);
      if (!read.ok) return Promise.resolve({ ok: false, reason: 'problems', problems: problemsOf(typed, slug) });
      return transact<ApplicationChangeResult>(async (transaction, rollback) => {
        await raiseApplicationVersionWithin(transaction);
        const saved = await registerWithin(transaction, slug, read.settings, by);
        return saved.ok ? saved : rollback(asResult(saved));
      });
    },

    change(id: string, typed: TypedSettings, by: Actor): Promise<ApplicationChangeResult> {
      const read = readSettings(typed, publicOrigin);
      if (!read.ok) return Promise.resolve({ ok: false, reason: 'problems', problems: read.problems });
      return changing({ id, by }, async (transaction, before) => {
        const saved = await changeWithin(transaction, end, { before, settings: read.settings }, by);
        return asResult(saved);
      });
    },

    /** Disabling ends its sessions, and nobody enters. */
    setDisabled(id: string, disabled: boolean, by: Actor): Promise<ApplicationChangeResult> {
      return changing({ id, by }, async (transaction, application) => {
        if ((application.disabledAt !== null) === disabled) return { ok: false, reason: 'unchanged' };
        await setDisabledWithin(transaction, application, disabled ? clock.now() : null, by);
        if (disabled) await end(transaction, { applicationId: id }, entryLost(by));
        return { ok: true, application, changes: [] };
      });
    },

    remove(id: string, by: Actor): Promise<ApplicationChangeResult> {
      return changing({ id, by }, async (transaction, application) => {
        await end(transaction, { applicationId: id }, entryLost(by));
        await deleteApplicationWithin(transaction, application, by);
        return { ok: true, application, changes: [] };
      });
    },

    /** Ends every session of it, or those of one person; they may enter again. Returns how many. */
    endSessions(id: string, by: Actor, userId?: string): Promise<number> {
      const which = { applicationId: id, ...(userId ? { userIds: [userId] } : {}) };
      return transact((transaction) => end(transaction, which, { ...entryLost(by), reason: 'revoked_by_operator' }));
    },
  };
}

function asResult(saved: SaveResult): ApplicationChangeResult {
  if (!saved.ok) return { ok: false, reason: 'problems', problems: saved.problems };
  return saved.changes.length === 0 ? { ok: false, reason: 'unchanged' } : saved;
}
