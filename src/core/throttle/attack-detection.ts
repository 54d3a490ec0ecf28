// Attacks that no single window sees: one client that fails at many accounts (spraying), many clients that
// fail at as many (stuffing).
import { NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { Database } from '../platform/database.ts';
import { clientKey } from '../platform/networks.ts';
import type { ThrottlePolicy } from './policy.ts';

const WATCH_WINDOW_MS = 3_600_000;

interface Found {
  readonly ip: string | null;
  readonly detail: Readonly<Record<string, number>>;
}

export interface AttackDetectionOptions {
  readonly database: Database;
  readonly policy: ThrottlePolicy;
}

const FAILURES = `
  SELECT identifier_hash, ip, CASE WHEN family(ip) = 6 THEN network(set_masklen(ip, 64)) ELSE ip END AS client
    FROM login_attempt
   WHERE outcome = 'failure' AND ip IS NOT NULL AND occurred_at > statement_timestamp() - $1 * interval '1 millisecond'`;

export function createAttackDetection({ database: { pool, transact }, policy }: AttackDetectionOptions) {
  async function sprayers(): Promise<Found[]> {
    const { rows } = await pool.query<{ ip: string; accounts: number }>({
      text: `SELECT host(min(ip)) AS ip, count(DISTINCT identifier_hash)::int AS accounts FROM (${FAILURES}) AS f
              GROUP BY client HAVING count(DISTINCT identifier_hash) >= $2`,
      values: [WATCH_WINDOW_MS, policy.sprayingAccounts],
    });
    return rows.map(({ ip, accounts }) => ({ ip, detail: { accounts } }));
  }

  async function stuffing(): Promise<Found[]> {
    const { rows } = await pool.query<{ clients: number; accounts: number }>({
      text: `SELECT count(DISTINCT client)::int AS clients, count(DISTINCT identifier_hash)::int AS accounts
               FROM (${FAILURES}) AS f`,
      values: [WATCH_WINDOW_MS],
    });
    const [all] = rows;
    const many = all && Math.min(all.clients, all.accounts) >= policy.stuffingClients;
    return many ? [{ ip: null, detail: { ...all } }] : [];
  }

  async function tellOnce(type: 'authn_password_spraying' | 'authn_credential_stuffing', found: readonly Found[]) {
    if (found.length === 0) return;
    const told = await pool.query<{ ip: string | null }>({
      text: `SELECT host(ip) AS ip FROM audit_event
              WHERE type = $1 AND sealed_at > statement_timestamp() - $2 * interval '1 millisecond'
                AND occurred_at BETWEEN statement_timestamp() - $2 * interval '1 millisecond' AND statement_timestamp()
             UNION ALL
             SELECT event->>'ip' FROM outbox WHERE event->>'type' = $1`,
      values: [type, WATCH_WINDOW_MS],
    });
    const known = new Set(told.rows.map((row) => clientKey(row.ip)));
    for (const { ip, detail } of found.filter((one) => !known.has(clientKey(one.ip)))) {
      const event = { type, outcome: 'failure', actor: null, subject: null } as const;
      await transact((transaction) => recordEvent(transaction, { ...event, origin: { ...NO_ORIGIN, ip }, detail }));
    }
  }

  return {
    /** Records what was found in the last hour: once an hour and client. */
    async watch(): Promise<void> {
      await tellOnce('authn_password_spraying', await sprayers());
      await tellOnce('authn_credential_stuffing', await stuffing());
    },
  };
}
