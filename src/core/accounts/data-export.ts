// What Holdfast knows of one person, for that person: JSON, written piece by piece, so that a long history costs no memory.
// No password, no token, nothing of another person: of what an operator did, neither their name nor their address.
import type { Origin } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import { exportSessions } from '../sessions/session-table.ts';

const BATCH = 500;

interface Person {
  readonly userId: string;
  readonly sessionId: string;
  readonly origin: Origin;
}

export type DataExport = ReturnType<typeof createDataExport>;

export function createDataExport({ database: { prisma, transact } }: { database: Database }) {
  async function account(id: string) {
    return prisma.user.findUnique({
      where: { id },
      select: {
        ...{ id: true, email: true, role: true, language: true },
        ...{ createdAt: true, passwordChangedAt: true, disabledAt: true },
      },
    });
  }

  /** What there is beside the password; never a secret or a code. */
  async function secondFactors(userId: string) {
    const [authenticatorApp, recoveryCodesLeft, passkeys] = await Promise.all([
      prisma.totp.findUnique({ where: { userId }, select: { createdAt: true } }),
      prisma.recoveryCode.count({ where: { userId, usedAt: null } }),
      prisma.passkey.findMany({
        where: { userId },
        select: { id: true, name: true, credentialId: true, createdAt: true, lastUsedAt: true },
      }),
    ]);
    return { authenticatorApp, recoveryCodesLeft, passkeys };
  }

  function sessions(userId: string, after: string | null) {
    return exportSessions(prisma, { userId, after, limit: BATCH });
  }

  function knownBrowsers(userId: string, after: string | null) {
    return prisma.knownDevice.findMany({
      where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: BATCH,
      select: { id: true, createdAt: true, lastUsedAt: true, revokedAt: true },
    });
  }

  function attempts(userId: string, after: string | null) {
    return prisma.loginAttempt.findMany({
      where: { userId, ...(after === null ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: BATCH,
      select: { id: true, occurredAt: true, outcome: true, reason: true, ip: true, userAgent: true },
    });
  }

  async function events(userId: string, after: bigint | null) {
    const rows = await prisma.auditEvent.findMany({
      where: { OR: [{ actorId: userId }, { subjectId: userId }], ...(after === null ? {} : { seq: { gt: after } }) },
      orderBy: { seq: 'asc' },
      take: BATCH,
    });
    return rows.map(({ seq, id, occurredAt, type, outcome, actorId, subjectId, sessionId, detail, ip, userAgent }) => {
      const own = actorId === userId || actorId === null;
      return {
        ...{ seq, id, occurredAt, type, outcome, sessionId, detail },
        by: actorId === userId ? 'you' : actorId === null ? 'somebody not logged in' : 'an operator',
        about: subjectId === userId ? 'you' : subjectId === null ? null : 'somebody else',
        ...(own ? { ip, userAgent } : {}),
      };
    });
  }

  async function* written(userId: string): AsyncGenerator<string> {
    yield `{\n"madeAt": ${json(new Date())},\n"account": ${json(await account(userId))}`;
    yield `,\n"secondFactors": ${json(await secondFactors(userId))}`;
    yield* list(
      'sessions',
      (after: string | null) => sessions(userId, after),
      ({ id }) => id,
    );
    yield* list(
      'knownBrowsers',
      (after: string | null) => knownBrowsers(userId, after),
      ({ id }) => id,
    );
    yield* list(
      'loginAttempts',
      (after: string | null) => attempts(userId, after),
      ({ id }) => id,
    );
    yield* list(
      'events',
      (after: bigint | null) => events(userId, after),
      ({ seq }) => seq,
    );
    yield '\n}\n';
  }

  return {
    /** Records that the data were asked for, then gives them piece by piece. */
    async write({ userId, sessionId, origin }: Person): Promise<AsyncGenerator<string>> {
      await transact((transaction) =>
        recordEvent(transaction, {
          ...{ type: 'user_data_exported', outcome: 'success', actor: userId, subject: userId },
          session: sessionId,
          origin,
        }),
      );
      return written(userId);
    },
  };
}

/** A named list, read batch after batch, each from behind the last row of the one before. */
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
