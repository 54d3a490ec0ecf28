// Whom a part of the log is about: the accounts of its events, each once.
import type pg from 'pg';
import { timedQuery } from '../../platform/postgres/connection.ts';
import type { AuditEventType } from '../events.ts';
import { type AuditFilter, eventsQuery } from './query.ts';
import { findSpan } from './read.ts';

/** Where more match, nobody could say what they are about to do. */
export const MOST_EVENTS_READ = 100_000;
const READ_TIME_MS = 4_000;

/** Events that say that whoever did them was in the account. */
const ENTERED = ['authn_login_success', 'session_created', 'application_entered'] as const satisfies AuditEventType[];

/** `entered`: accounts that were got into. `named`: all that the events are about, failed log-ins too. */
export type Which = 'entered' | 'named';

export type AccountsOf =
  | { readonly ok: true; readonly ids: readonly string[] }
  | { readonly ok: false; readonly reason: 'too_many_events' | 'too_slow' };

/** Of what is sealed. */
export async function readAccountsOf(pool: pg.Pool, filter: AuditFilter, which: Which): Promise<AccountsOf> {
  const asked = which === 'named' ? filter : entered(filter);
  const span = asked && (await findSpan(pool, asked));
  if (!asked || !span) return { ok: true, ids: [] };
  const selection = { columns: 'seq, subject_id', span, order: 'newest', limit: MOST_EVENTS_READ + 1 } as const;
  const { text, values } = eventsQuery(asked, selection);
  const rows = await timedQuery<{ events: number; ids: string[] | null }>(pool, READ_TIME_MS, {
    text: `SELECT count(*)::int AS events, array_agg(DISTINCT subject_id) FILTER (WHERE subject_id IS NOT NULL) AS ids
             FROM (${text}) AS found`,
    values,
  });
  if (rows === null) return { ok: false, reason: 'too_slow' };
  const [{ events, ids } = { events: 0, ids: null }] = rows;
  return events > MOST_EVENTS_READ ? { ok: false, reason: 'too_many_events' } : { ok: true, ids: ids ?? [] };
}

/** Null where no event of the filter can say it. */
function entered(filter: AuditFilter): AuditFilter | null {
  const types = filter.types === null ? ENTERED : ENTERED.filter((type) => filter.types?.includes(type));
  if (types.length === 0 || filter.outcome === 'failure') return null;
  return { ...filter, types, outcome: 'success' };
}
