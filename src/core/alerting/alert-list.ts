// Alerts as operators see them: each rule with whom it is told to, its newest, and what could not be delivered.
import { ALERT_RULES, type AlertFacts, type AlertRule } from '../mail/alerts.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Database } from '../platform/database.ts';
import { DEFAULTS, type StoredRule } from './settings.ts';

export interface ListedAlert extends StoredRule {
  readonly newest: NewestAlert | null;
  /** Trouble that goes on, since then. */
  readonly troubleSince: Date | null;
}

interface NewestAlert {
  readonly at: Date;
  /** Within its window. */
  readonly count: number;
  readonly seq: number | null;
  readonly facts: AlertFacts;
}

/** What one way out has not delivered: of mail in the last week. */
export interface AlertChannel {
  readonly waiting: number;
  readonly failed: number;
  readonly error: { readonly words: string; readonly at: Date } | null;
}

export interface AlertList {
  readonly rules: readonly ListedAlert[];
  /** Operators who may log in. */
  readonly operators: number;
  readonly mail: AlertChannel & { readonly possible: boolean };
  /** The origin that a worker posts to; null: none. */
  readonly webhook: AlertChannel & { readonly target: string | null };
}

export type ReadAlerts = () => Promise<AlertList>;

interface ChannelRow {
  readonly waiting: number;
  readonly failed: number;
  readonly error: string | null;
  readonly errorAt: Date | null;
}

export function createAlertList({
  database: { pool },
  mail,
}: {
  readonly database: Pick<Database, 'pool'>;
  readonly mail: Pick<Mail, 'possible'>;
}): ReadAlerts {
  async function rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await pool.query<Row>(text, values)).rows;
  }

  async function channel(text: string): Promise<AlertChannel> {
    const [row] = await rows<ChannelRow>(text);
    const { waiting = 0, failed = 0, error = null, errorAt = null } = row ?? {};
    return { waiting, failed, error: error === null || errorAt === null ? null : { words: error, at: errorAt } };
  }

  return async () => {
    const [stored, newest, troubles, [state], mails, posts] = await Promise.all([
      rows<StoredRule>(RULES, [[...ALERT_RULES]]),
      rows<NewestRow>(NEWEST, [[...ALERT_RULES]]),
      rows<{ name: string; at: Date }>(TROUBLES, [[...ALERT_RULES]]),
      rows<{ webhook: string | null; operators: number }>(STATE),
      channel(MAILS),
      channel(POSTS),
    ]);
    const settings = new Map(stored.map((rule) => [rule.name, rule]));
    const found = new Map(
      newest.map(({ rule, seq, ...one }) => [rule, { ...one, seq: seq === null ? null : Number(seq) }]),
    );
    const since = new Map(troubles.map(({ name, at }) => [name, at]));
    return {
      rules: ALERT_RULES.map((name) => ({
        ...(settings.get(name) ?? { ...DEFAULTS, name, version: 0 }),
        newest: found.get(name) ?? null,
        troubleSince: since.get(name) ?? null,
      })),
      operators: state?.operators ?? 0,
      mail: { ...mails, possible: mail.possible },
      webhook: { ...posts, target: state?.webhook ?? null },
    };
  };
}

interface NewestRow extends Omit<NewestAlert, 'seq'> {
  readonly rule: AlertRule;
  readonly seq: string | null;
}

const RULES = 'SELECT name, enabled, operators, addresses, webhook, version FROM alert_rule WHERE name = ANY ($1)';

const TROUBLES = 'SELECT name, began_at AS at FROM alert_trouble WHERE name = ANY ($1) AND ended_at IS NULL';

const NEWEST = `
  SELECT found.* FROM unnest($1::text[]) AS rule(name) CROSS JOIN LATERAL (
    SELECT rule, happened_at AS at, count, seq, facts FROM alert
     WHERE alert.rule = rule.name ORDER BY closes_at DESC LIMIT 1) AS found`;

const STATE = `
  SELECT webhook, (SELECT count(*) FROM user_account
                    WHERE role = 'operator' AND disabled_at IS NULL AND deleted_at IS NULL)::int AS operators
    FROM alert_state WHERE id = 1`;

const MAILS = `
  WITH told AS (SELECT created_at, ended_at, due_at, last_error, outcome FROM mail
                 WHERE template = 'alert' AND created_at > statement_timestamp() - interval '7 days')
  SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS waiting,
         count(*) FILTER (WHERE outcome = 'failed')::int AS failed,
         (array_agg(last_error ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS error,
         (array_agg(coalesce(ended_at, created_at) ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS "errorAt"
    FROM told`;

const POSTS = `
  WITH told AS (SELECT created_at, ended_at, last_error, outcome FROM alert_post
                 WHERE created_at > statement_timestamp() - interval '7 days' OR ended_at IS NULL)
  SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS waiting,
         count(*) FILTER (WHERE outcome = 'failed')::int AS failed,
         (array_agg(last_error ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS error,
         (array_agg(coalesce(ended_at, created_at) ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL))[1] AS "errorAt"
    FROM told`;
