// What a person reads of the log about their own account, newest first: log-ins, failures, changes. Of what an operator did,
// neither their name nor their IP address.

import { type KeptPlace, readPlace } from '../../places/place.ts';
import type { Database } from '../../platform/database.ts';
import type { AuditEventType, Detail } from '../events.ts';
import { isByCommand } from '../outbox.ts';

const SHOWN_MS = 90 * 86_400_000;

/** In the condition of an index (audit_event_activity_idx): a type that is added needs a new one. */
const INDEXED = [
  'authn_login_success',
  'authn_login_fail',
  'authn_second_factor_asked',
  'authn_new_device',
  'authn_confirm_fail',
  'excess_rate_limit_exceeded',
  'authn_factor_added',
  'authn_factor_renamed',
  'authn_factor_removed',
  'authn_recovery_codes_made',
  'authn_password_change',
  'authn_password_change_fail',
  'authn_password_reset_request',
  'authn_password_reset',
  'authn_login_disowned',
  'session_ended',
  'known_devices_forgotten',
  'user_created',
  'user_language_changed',
  'user_email_change_asked',
  'user_email_change_taken_back',
  'user_email_changed',
  'user_email_change_undone',
  'user_disabled',
  'user_enabled',
  'privilege_permissions_changed',
  'user_data_exported',
] as const satisfies readonly AuditEventType[];

/** Rare ones, in an index of their own (audit_event_rare_activity_idx). */
const RARE = ['user_secured', 'api_token_created', 'api_token_revoked'] as const satisfies readonly AuditEventType[];

export type ActivityType = (typeof INDEXED | typeof RARE)[number];

export interface Activity {
  readonly seq: number;
  readonly occurredAt: Date;
  readonly type: ActivityType;
  readonly outcome: string;
  readonly session: string | null;
  readonly detail: Detail;
  readonly by: 'owner' | 'nobody' | 'operator';
  /** Of its owner, or of somebody not logged in; null once it was erased. */
  readonly ip: string | null;
  /** A guess. */
  readonly place: KeptPlace | null;
  readonly userAgent: string | null;
}

export interface ActivityPage {
  readonly activities: readonly Activity[];
  readonly hasOlder: boolean;
}

/** The types and the condition stand in the text, as in the indexes: PostgreSQL compares them when it plans. */
const newest = (types: readonly AuditEventType[], condition = '') => `
  (SELECT seq, occurred_at AS "occurredAt", type, outcome, actor_id AS actor, session_id AS session, detail, host(ip) AS ip,
          place, user_agent AS "userAgent"
     FROM audit_event
    WHERE subject_id = $1 AND seq < $2 AND sealed_at > statement_timestamp() - $3 * interval '1 millisecond'
      AND type IN (${types.map((type) => `'${type}'`).join(', ')}) ${condition}
    ORDER BY seq DESC LIMIT $4)`;

export const ACTIVITY_OF_A_PERSON = `
  SELECT * FROM (${newest(INDEXED, `AND NOT (type = 'session_ended' AND detail->>'reason' = 'replaced')`)}
    UNION ALL ${newest(RARE)}) AS shown ORDER BY seq DESC LIMIT $4`;

export function createActivityLog({ database: { pool } }: { database: Database }) {
  async function read(userId: string, before: number, limit: number): Promise<Activity[]> {
    const values = [userId, before, SHOWN_MS, limit];
    const { rows } = await pool.query<ActivityRecord>({ name: 'activity', text: ACTIVITY_OF_A_PERSON, values });
    return rows.map((row) => activityOf(row, userId));
  }

  return {
    /** Those of the last 90 days that are sealed; `before` is the number of the last one of the page before. */
    async page(userId: string, before: number | null, size: number): Promise<ActivityPage> {
      const found = await read(userId, before ?? Number.MAX_SAFE_INTEGER, size + 1);
      return { activities: found.slice(0, size), hasOlder: found.length > size };
    },

    /** One of them; null where the person has no such. */
    async find(userId: string, seq: number): Promise<Activity | null> {
      const [found] = await read(userId, seq + 1, 1);
      return found?.seq === seq ? found : null;
    },
  };
}

interface ActivityRecord {
  readonly seq: string;
  readonly occurredAt: Date;
  readonly type: ActivityType;
  readonly outcome: string;
  readonly actor: string | null;
  readonly session: string | null;
  readonly detail: Detail;
  readonly ip: string | null;
  readonly place: string | null;
  readonly userAgent: string | null;
}

function activityOf({ seq, actor, place, ...row }: ActivityRecord, userId: string): Activity {
  const byNobody = isByCommand(row.detail) ? 'operator' : 'nobody';
  const by = actor === userId ? 'owner' : actor === null ? byNobody : 'operator';
  const from = by === 'operator' ? { ip: null, place: null, userAgent: null } : { place: readPlace(place) };
  return { ...row, ...from, seq: Number(seq), by };
}
