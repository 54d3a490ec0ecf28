// Which changes the processes of Holdfast made in the database without an event in the same transaction. It watches every table
// there is, so that a table or a job that is added later is watched too; what may change without an event is listed, field by field.
import { query } from '../../harness/query.ts';
import type { TestDatabase } from '../../harness/stores.ts';

/** Written by sealing out of an event, or of the log itself; reached by nothing else. */
const OF_THE_LOG = [
  'outbox',
  'audit_event',
  'audit_head',
  'audit_summary',
  'audit_hour',
  'audit_text',
  'audit_checkpoint',
  'login_attempt',
];

/**
 * What changes by itself, with no more meaning than that somebody was here or that a counter moved on:
 * table → fields that an UPDATE may touch; `*` for every change.
 */
const SILENT: Readonly<Record<string, readonly string[]>> = {
  session: ['last_seen_at', 'idle_deadline', 'ending_seq', 'data'],
  known_device: ['last_used_at'],
  // Running out by itself; being lifted touches more.
  throttle_block: ['refused', 'ended_at', 'end_reason'],
  // How far the delivery of a mail has come; the secret of its link is made when it is sent.
  mail: ['due_at', 'attempts', 'last_error', 'outcome', 'ended_at'],
  token: ['expires_at', 'token_hash'],
  // How far the rules have read the log; how often it happened again; how far a webhook has come.
  alert_state: ['seq'],
  alert: ['count', 'told', 'seq', 'facts', 'happened_at'],
  alert_trouble: ['seen_at'],
  alert_post: ['due_at', 'attempts', 'last_error', 'ended_at', 'outcome'],
  // How far an order has come; what is done to an account has its event.
  securing_account: ['done_at', 'outcome'],
  api_token: ['last_used_at'],
  // Taken out of the log, which has the log-in; and how far.
  user_account: ['last_login_at'],
  noted_log_ins: ['seq'],
  // An operator's own bookmarks: they change nothing of anybody (docs/decisions/0195-a-saved-view-is-a-bookmark.md).
  saved_view: ['*'],
  // For a minute, until somebody enters, which has its event.
  application_ticket: ['*'],
  throttle_refusal: ['*'],
  throttle_attempt: ['*'],
};

/** Begins to watch: from here on each change of the web process and the worker is noted with its transaction. */
export async function watchChanges(database: TestDatabase): Promise<void> {
  await query(
    database.superuserUrl,
    `CREATE TABLE watched_change (tx xid8, place text, op text, fields text[]);
     CREATE FUNCTION watch_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
     BEGIN
       IF session_user IN ('holdfast_web_test', 'holdfast_worker_test') THEN
         INSERT INTO public.watched_change SELECT pg_current_xact_id(), TG_TABLE_NAME, TG_OP,
           CASE WHEN TG_OP = 'UPDATE' THEN ARRAY(
             SELECT key FROM jsonb_each(to_jsonb(NEW)) AS n WHERE n.value IS DISTINCT FROM to_jsonb(OLD)->n.key) END;
       END IF;
       RETURN NULL;
     END $$;
     DO $$
     DECLARE place regclass;
     BEGIN
       FOR place IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                       AND NOT relispartition AND relname NOT IN ('watched_change', '_prisma_migrations') LOOP
         EXECUTE format('CREATE TRIGGER watch_change AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION watch_change()', place);
       END LOOP;
     END $$`,
  );
}

/** The changes since, as `table op (fields)`, in whose transaction no event was recorded; nor one sealed, out of which the change is made. */
export async function silentChanges(database: TestDatabase): Promise<string[]> {
  const rows = await query<{ place: string; op: string; fields: string[] | null }>(
    database.superuserUrl,
    `SELECT DISTINCT place, op, fields FROM watched_change AS c WHERE place <> ALL ($1) AND place NOT LIKE 'audit\\_event\\_%'
        AND NOT EXISTS (SELECT FROM watched_change AS o WHERE o.tx = c.tx AND o.op = 'INSERT'
                          AND (o.place = 'outbox' OR o.place LIKE 'audit\\_event\\_%'))`,
    [OF_THE_LOG],
  );
  return rows
    .filter(({ place, op, fields }) => {
      const silent = SILENT[place] ?? [];
      return !silent.includes('*') && !(op === 'UPDATE' && fields?.every((field) => silent.includes(field)));
    })
    .map(({ place, op, fields }) => `${op} ${place}${fields ? ` (${fields.join(', ')})` : ''}`);
}

/** How many changes of a table were noted: a watch that sees nothing proves nothing. */
export async function changesOf(database: TestDatabase, place: string): Promise<number> {
  const rows = await query(database.superuserUrl, 'SELECT FROM watched_change WHERE place = $1', [place]);
  return rows.length;
}
