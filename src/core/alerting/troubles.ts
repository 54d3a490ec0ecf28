// What goes on for a while and is no event of its own: sealing is behind, mail fails, the configuration is weak. Its beginning
// and its end are recorded and told. It is told past the log, because that may be what stands still.
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { AlertFacts, AlertRule, Weakness } from '../mail/alerts.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { lockWithin, type Raising } from './raising.ts';
import { readRule } from './settings.ts';
import type { TellWithin } from './telling.ts';

export const TROUBLES = ['sealing_behind', 'mail_failing', 'weak_configuration'] as const satisfies AlertRule[];
export type TroubleName = (typeof TROUBLES)[number];

export interface TroubleLimits {
  /** How long an event may wait to be sealed. */
  readonly sealingMs: number;
  /** How long a mail server may take nothing. */
  readonly mailAwayMs: number;
  /** Mails that are refused for good within an hour. */
  readonly refusedMails: number;
  /** Trouble is over once it was not seen for so long. */
  readonly calmMs: number;
}

const MINUTE = 60_000;
export const LIMITS: TroubleLimits = {
  sealingMs: MINUTE,
  mailAwayMs: 10 * MINUTE,
  refusedMails: 10,
  calmMs: 5 * MINUTE,
};

export interface TroublesOptions {
  readonly database: Pick<Database, 'pool' | 'transact'>;
  readonly raising: Pick<Raising, 'raiseWithin'>;
  readonly tellWithin: TellWithin;
  /** For how long this worker's mail server has taken nothing. */
  readonly mailAwayMs: () => number;
  readonly weaknesses: readonly Weakness[];
  readonly onTold: (rule: AlertRule, facts: AlertFacts) => void;
  readonly limits?: TroubleLimits;
}

interface TroubleRow {
  readonly facts: AlertFacts;
  readonly told: boolean;
  readonly goesOn: boolean;
  readonly calm: boolean;
  readonly beganAt: Date;
}

interface Found {
  readonly name: TroubleName;
  readonly facts: AlertFacts;
  readonly now: Date;
}

export function createTroubles(options: TroublesOptions) {
  const { database, raising, tellWithin, mailAwayMs, weaknesses, onTold, limits = LIMITS } = options;
  const { pool, transact } = database;

  async function first<Row extends object>(text: string, values: unknown[] = []): Promise<Row | undefined> {
    const { rows } = await pool.query<Row>(text, values);
    return rows[0];
  }

  /** Null: none. */
  const looks: Readonly<Record<TroubleName, () => Promise<AlertFacts | null>>> = {
    async sealing_behind() {
      const row = await first<{ ms: number }>(OLDEST_WAITING);
      return row && row.ms > limits.sealingMs ? { seconds: Math.floor(row.ms / 1_000) } : null;
    },
    async mail_failing() {
      const awayMs = mailAwayMs();
      if (awayMs > limits.mailAwayMs) return { minutes: Math.floor(awayMs / MINUTE) };
      const row = await first<{ failed: number }>(REFUSED);
      return row && row.failed >= limits.refusedMails ? { failed: row.failed } : null;
    },
    async weak_configuration() {
      const row = await first<{ may: boolean }>(MAY_ALTER);
      const codes = [...weaknesses, ...(row?.may ? ['database_rights'] : [])];
      return codes.length > 0 ? { codes: codes.join(',') } : null;
    },
  };

  async function seenWithin(transaction: Transaction, { name, facts, now }: Found): Promise<boolean> {
    const row = await readWithin(transaction, name, limits.calmMs);
    if (row?.goesOn && !hasMore(facts, row.facts)) {
      await transaction.$executeRaw`UPDATE alert_trouble SET seen_at = clock_timestamp() WHERE name = ${name}`;
      return false;
    }
    const all = row?.goesOn ? together(row.facts, facts) : facts;
    await recordOf(transaction, 'sys_trouble_began', { trouble: name, ...all });
    const happened = { rule: name, about: String(all['codes'] ?? ''), facts: all, seq: null, at: now, count: 1 };
    const told = (await raising.raiseWithin(transaction, happened)) !== null;
    const isTold = told || (row?.goesOn === true && row.told);
    const json = JSON.stringify(all);
    await transaction.$executeRaw`
      INSERT INTO alert_trouble (name, facts, told) VALUES (${name}, ${json}::jsonb, ${isTold})
      ON CONFLICT (name) DO UPDATE SET facts = ${json}::jsonb, told = ${isTold}, began_at = clock_timestamp(),
        seen_at = clock_timestamp(), ended_at = NULL`;
    return told;
  }

  async function calmWithin(transaction: Transaction, { name, now }: Omit<Found, 'facts'>): Promise<void> {
    const row = await readWithin(transaction, name, limits.calmMs);
    if (!row?.goesOn || !row.calm) return;
    await transaction.$executeRaw`UPDATE alert_trouble SET ended_at = clock_timestamp() WHERE name = ${name}`;
    await recordOf(transaction, 'sys_trouble_ended', { trouble: name, since: row.beganAt.toISOString() });
    const settings = await readRule(transaction, name);
    const told = { rule: name, phase: 'over', count: 1, at: now.toISOString(), seq: null } as const;
    if (row.told && settings.enabled) await tellWithin(transaction, { ...told, facts: row.facts }, settings);
  }

  return {
    /** Looks at each. Several workers take turns; what one of them sees goes on. */
    async look(): Promise<void> {
      const { rows } = await pool.query<{ name: string }>(GOES_ON, [TROUBLES]);
      const goesOn = new Set(rows.map(({ name }) => name));
      for (const name of TROUBLES) {
        const facts = await looks[name]();
        if (facts === null && !goesOn.has(name)) continue;
        const told = await transact(async (transaction) => {
          const { now } = await lockWithin(transaction);
          if (facts !== null) return seenWithin(transaction, { name, facts, now });
          await calmWithin(transaction, { name, now });
          return false;
        });
        if (told && facts) onTold(name, facts);
      }
    },
  };
}

/** Another weakness than those that were told. */
function hasMore(facts: AlertFacts, before: AlertFacts): boolean {
  const known = new Set(codesOf(before));
  return codesOf(facts).some((code) => !known.has(code));
}

/** The weaknesses of both: two workers that have different ones would otherwise tell theirs by turns for ever. */
function together(before: AlertFacts, facts: AlertFacts): AlertFacts {
  return { ...facts, codes: [...new Set([...codesOf(before), ...codesOf(facts)])].join(',') };
}

function codesOf({ codes }: AlertFacts): string[] {
  return codes === undefined ? [] : String(codes).split(',');
}

async function readWithin(transaction: Transaction, name: string, calmMs: number): Promise<TroubleRow | undefined> {
  const [row] = await transaction.$queryRaw<TroubleRow[]>`
    SELECT facts, told, ended_at IS NULL AS "goesOn", began_at AS "beganAt",
           seen_at <= clock_timestamp() - ${calmMs} * interval '1 millisecond' AS calm
      FROM alert_trouble WHERE name = ${name}`;
  return row;
}

async function recordOf(
  transaction: Transaction,
  type: 'sys_trouble_began' | 'sys_trouble_ended',
  detail: AlertFacts,
): Promise<void> {
  const outcome = type === 'sys_trouble_began' ? 'failure' : 'success';
  await recordEvent(transaction, { type, outcome, actor: null, subject: null, origin: NO_ORIGIN, detail });
}

const GOES_ON = 'SELECT name FROM alert_trouble WHERE name = ANY($1) AND ended_at IS NULL';

const OLDEST_WAITING = `
  SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS ms FROM outbox ORDER BY id LIMIT 1`;

/** A refused alert is not counted: telling of it would be refused as well. */
const REFUSED = `
  SELECT count(*)::int AS failed FROM (
    SELECT FROM mail WHERE outcome = 'failed' AND ended_at > statement_timestamp() - interval '1 hour' AND template <> 'alert'
     LIMIT 1000) AS refused`;

const MAY_ALTER = `
  SELECT bool_or(has_table_privilege(current_user, name, 'UPDATE') OR has_table_privilege(current_user, name, 'DELETE')) AS may
    FROM (VALUES ('audit_event'), ('audit_checkpoint')) AS of_the_log(name)`;
