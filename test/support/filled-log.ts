// An audit log that a test empties and fills as it likes.
import type { World } from './world.ts';

/** Puts $1 events into the outbox, numbered in their detail from $2 on in the order in which they were written. */
export const FILL = `
  INSERT INTO outbox (event, attempt)
  SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'type', 'authn_login_fail', 'outcome', 'failure', 'actor', NULL, 'subject', NULL, 'session', NULL,
  'requestId', 'r-' || n, 'ip', '203.0.113.' || n % 256, 'userAgent', 'test', 'detail', jsonb_build_object('n', n)),
  CASE WHEN n % 2 = 0 THEN jsonb_build_object('identifierHash', 'AAAA') END
  FROM generate_series($2::int, $2 + $1 - 1) AS n`;

export function filledLog({ sql, tamper }: Pick<World, 'sql' | 'tamper'>) {
  return {
    /** Begins the log anew, as no role of Holdfast could. */
    async emptyLog(): Promise<void> {
      await tamper(`
        DELETE FROM audit_event; DELETE FROM outbox; DELETE FROM login_attempt;
        DELETE FROM audit_summary; DELETE FROM audit_hour; DELETE FROM audit_tree; DELETE FROM audit_tree_tile;
        UPDATE audit_head SET seq = 0, summary_seq = 0, hash = decode(repeat('00', 32), 'hex')`);
    },
    async fillOutbox(count: number): Promise<void> {
      await sql(FILL, [count, 1]);
    },
  };
}
