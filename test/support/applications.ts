// Applications as a test registers them, and sessions at them without a browser.
import { randomUUID } from 'node:crypto';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { Context } from '../../src/core/context.ts';
import { nameOf } from '../../src/core/sessions/cache-entry.ts';
import { lockSession } from '../../src/core/sessions/session-rows.ts';
import type { NewSession } from '../../src/core/sessions/sessions.ts';

type Sql = <Row>(text: string, values?: unknown[]) => Promise<Row[]>;

export interface TestApplication {
  readonly id: string;
  readonly slug: string;
}

export interface Rules {
  readonly url?: string;
  readonly everybody?: boolean;
  readonly secondFactor?: boolean;
  readonly recentLoginSeconds?: number | null;
  readonly preflight?: boolean;
  readonly remoteUser?: boolean;
  readonly framedBy?: readonly string[];
}

let applications = 0;

/** Registers one that everybody may enter, unless said otherwise, past the console. */
export async function addApplication(sql: Sql, rules: Rules = {}): Promise<TestApplication> {
  applications += 1;
  const slug = `app-${applications}`;
  const url = rules.url ?? `https://${slug}.example.org`;
  const { everybody = true, secondFactor = false, recentLoginSeconds = null, preflight = false } = rules;
  const id = randomUUID();
  await sql('UPDATE application_version SET version = version + 1');
  await sql(
    `INSERT INTO application (id, slug, name, url, host, everybody, second_factor, recent_login_seconds, preflight, remote_user, framed_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[id, slug, `Application ${applications}`, url, new URL(url).host, everybody, secondFactor],
      ...[recentLoginSeconds, preflight, rules.remoteUser ?? false, rules.framedBy ?? []],
    ],
  );
  return { id, slug };
}

/** A group that may enter an application, and who is in it. */
export async function addGroup(
  sql: Sql,
  name: string,
  { applicationId, userIds = [] }: { applicationId?: string; userIds?: readonly string[] },
): Promise<string> {
  const id = randomUUID();
  await sql('UPDATE application_version SET version = version + 1');
  await sql('INSERT INTO account_group (id, name, name_key) VALUES ($1, $2, lower($2))', [id, name]);
  if (applicationId) await sql('INSERT INTO application_group VALUES ($1, $2)', [applicationId, id]);
  for (const userId of userIds) await sql('INSERT INTO group_member (group_id, user_id) VALUES ($1, $2)', [id, userId]);
  return id;
}

/** A session of a person at an application, as `/applications/enter` would begin one. */
export async function enterDirectly(
  { database, applicationSessions, users }: Context,
  { userId, sessionId }: { userId: string; sessionId: string },
  application: TestApplication,
): Promise<NewSession> {
  const account = await users.find(userId);
  if (!account) throw new Error('nobody has this id');
  return database.transact(async (transaction) => {
    const parent = await lockSession(transaction, { sessionId, userId });
    if (!parent) throw new Error('the session has ended');
    const limits = { idleTimeoutMs: 3_600_000, absoluteLifetimeMs: 86_400_000 };
    return applicationSessions.enterWithin(transaction, {
      account,
      parent: { ...parent, id: sessionId },
      application,
      limits,
      data: {},
      origin: NO_ORIGIN,
    });
  });
}

/** What a process knows of a session at an application. */
export async function stateOf({ sessionCache }: Context, { tokenHash }: NewSession): Promise<string> {
  const reading = await sessionCache.readNamed(nameOf(tokenHash));
  return reading.state === 'ended' ? reading.reason : reading.state;
}
