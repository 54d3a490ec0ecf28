// The table of habits, and the log-ins that the log has of somebody who has no row there yet.
import type pg from 'pg';
import type { Transaction } from '../platform/database.ts';
import { type Habits, readHabits } from './habits.ts';

/** Of a person whose habits are not known yet. */
const EARLIER_LOGINS = 30;
const EARLIER_DAYS = 90;

export async function readHabitsOf(client: pg.ClientBase, people: readonly string[]): Promise<Map<string, Habits>> {
  const { rows } = await client.query<{ person: string; habits: unknown }>({
    name: 'notice-habits',
    text: 'SELECT user_id AS person, habits FROM login_habit WHERE user_id = ANY($1::uuid[])',
    values: [people],
  });
  return new Map(
    rows.flatMap(({ person, habits }) => {
      const read = readHabits(habits);
      return read ? [[person, read] as const] : [];
    }),
  );
}

export interface EarlierLogIn {
  readonly occurredAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** The condition of audit_event_activity_idx stands in the text: PostgreSQL compares the two when it plans. */
const EARLIER = `
  SELECT person, occurred_at AS "occurredAt", host(ip) AS ip, user_agent AS "userAgent"
    FROM unnest($1::uuid[]) AS asked(person) CROSS JOIN LATERAL (
      SELECT seq, occurred_at, ip, user_agent FROM audit_event
       WHERE subject_id = person AND type = 'authn_login_success' AND outcome = 'success'
         AND NOT (type = 'session_ended' AND detail->>'reason' = 'replaced')
         AND sealed_at > statement_timestamp() - $2 * interval '1 day'
       ORDER BY seq DESC LIMIT $3) AS login
   WHERE ip IS NOT NULL OR user_agent IS NOT NULL
   ORDER BY seq`;

/** The newest of each, the oldest of these first. */
export async function readLogInsOf(
  client: pg.ClientBase,
  people: readonly string[],
): Promise<Map<string, EarlierLogIn[]>> {
  // Without a name it is planned anew each time: a plan made while a month was empty would read the whole month for ever after.
  const { rows } = await client.query<EarlierLogIn & { person: string }>(EARLIER, [
    people,
    EARLIER_DAYS,
    EARLIER_LOGINS,
  ]);
  const found = new Map<string, EarlierLogIn[]>();
  for (const { person, ...login } of rows) found.set(person, [...(found.get(person) ?? []), login]);
  return found;
}

/** Of accounts that were not deleted meanwhile: those leave nothing. */
export async function writeHabits(client: pg.ClientBase, habits: ReadonlyMap<string, Habits>): Promise<void> {
  if (habits.size === 0) return;
  await client.query({
    name: 'notice-learnt',
    text: `INSERT INTO login_habit (user_id, habits)
           SELECT learnt.id, learnt.habits::jsonb FROM unnest($1::uuid[], $2::text[]) AS learnt(id, habits)
             JOIN user_account AS account ON account.id = learnt.id AND account.deleted_at IS NULL
           ON CONFLICT (user_id) DO UPDATE SET habits = excluded.habits`,
    values: [[...habits.keys()], [...habits.values()].map((one) => JSON.stringify(one))],
  });
}

/** For a person's export. */
export async function readHabitOf(database: Transaction, userId: string): Promise<unknown> {
  const row = await database.loginHabit.findUnique({ where: { userId }, select: { habits: true } });
  return row?.habits ?? null;
}
