// What Holdfast knows of a person, for that person: JSON in pieces, so that a long history costs no memory. No password,
// no token, nothing of another person.
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { readEventsOf } from '../audit/reading/personal-events.ts';
import { readMailsOf } from '../mail/outgoing-mail.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { roleOf } from '../sessions/role.ts';
import { readSessionsOf } from '../sessions/session-rows.ts';
import { readAttemptsOf } from '../throttle/attempts.ts';
import { readKnownBrowsersOf } from '../throttle/known-device-rows.ts';
import { readViewsOf } from './saved-views.ts';
import { readTokensOf } from './token-rows.ts';

const BATCH = 500;

interface Person {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
}

export interface DataExportOptions {
  readonly database: Database;
  /** From the rooms above, which own those tables. */
  readonly readGroupsOf: (database: Transaction, userId: string) => Promise<unknown>;
  readonly readFactorsOf: (database: Transaction, userId: string) => Promise<unknown>;
  readonly readHabitOf: (database: Transaction, userId: string) => Promise<unknown>;
}

export function createDataExport({
  database: { prisma, transact, clock },
  readGroupsOf,
  readFactorsOf,
  readHabitOf,
}: DataExportOptions) {
  async function readAccount(id: string) {
    const found = await prisma.user.findUnique({
      where: { id },
      select: {
        id: true,
        email: true,
        externalId: true,
        importedPassword: { select: { scheme: true, importedAt: true } },
        role: true,
        auditor: true,
        language: true,
        createdAt: true,
        passwordChangedAt: true,
        disabledAt: true,
      },
    });
    if (!found) return null;
    const { auditor, role, ...account } = found;
    return { ...account, role: roleOf({ role, auditor }) };
  }

  async function* written(userId: string): AsyncGenerator<string> {
    const from = <Key, Row>(read: (prisma: Transaction, userId: string, after: Key | null, take: number) => Row) => {
      return (after: Key | null) => read(prisma, userId, after, BATCH);
    };
    yield `{\n"madeAt": ${json(clock.now())},\n"account": ${json(await readAccount(userId))}`;
    yield `,\n"groups": ${json(await readGroupsOf(prisma, userId))}`;
    yield `,\n"secondFactors": ${json(await readFactorsOf(prisma, userId))}`;
    yield `,\n"usualLogIns": ${json(await readHabitOf(prisma, userId))}`;
    yield `,\n"apiTokens": ${json(await readTokensOf(prisma, userId))}`;
    yield `,\n"savedViews": ${json(await readViewsOf(prisma, userId))}`;
    yield* list('sessions', from(readSessionsOf), ({ id }) => id);
    yield* list('knownBrowsers', from(readKnownBrowsersOf), ({ id }) => id);
    yield* list('loginAttempts', from(readAttemptsOf), ({ id }) => id);
    yield* list('mails', from(readMailsOf), ({ id }) => id);
    yield* list('events', from(readEventsOf), ({ seq }) => seq);
    yield '\n}\n';
  }

  return {
    /** Records that the data were asked for, then gives them piece by piece. */
    async write({ userId, sessionId, origin }: Person): Promise<AsyncGenerator<string>> {
      const about = { actor: userId, subject: userId, session: sessionId, origin };
      await transact((transaction) =>
        recordEvent(transaction, { type: 'user_data_exported', outcome: 'success', ...about }),
      );
      return written(userId);
    },
  };
}

/** Read in batches, each after the last row of the one before. */
async function* list<Row, Key>(
  name: string,
  read: (after: Key | null) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): AsyncGenerator<string> {
  yield `,\n${json(name)}: [`;
  let after: Key | null = null;
  for (let count = BATCH, first = true; count === BATCH; ) {
    const rows: readonly Row[] = await read(after);
    for (const row of rows) {
      yield `${first ? '' : ','}\n  ${json(row)}`;
      first = false;
      after = keyOf(row);
    }
    count = rows.length;
  }
  yield '\n]';
}

function json(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner));
}
