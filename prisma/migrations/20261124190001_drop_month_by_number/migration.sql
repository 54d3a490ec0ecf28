-- Dropping a month took longer the longer the log: for the hours that lie on both sides of the cut, all that was left was read.

CREATE OR REPLACE FUNCTION "audit_drop_month"("month_start" timestamp) RETURNS TABLE ("first_seq" bigint, "last_seq" bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '1s' AS $$
DECLARE
    partition_name text := 'audit_event_' || to_char(month_start, 'YYYY_MM');
    last_hash bytea;
    straddling record;
    left_events bigint;
    left_first bigint;
BEGIN
    IF month_start >= date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month' THEN
        RAISE EXCEPTION '% is too young to be dropped', partition_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF partition_name IS DISTINCT FROM (SELECT min(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                                         WHERE i.inhparent = 'public.audit_event'::regclass) THEN
        RAISE EXCEPTION '% is not the oldest month', partition_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT min(seq), max(seq) FROM public.%I', partition_name) INTO first_seq, last_seq;
    IF last_seq IS NOT NULL THEN
        EXECUTE format('SELECT hash FROM public.%I WHERE seq = $1', partition_name) USING last_seq INTO last_hash;
        IF NOT EXISTS (SELECT FROM public.audit_checkpoint c
                        WHERE c.seq = audit_drop_month.last_seq AND c.hash = last_hash AND c.reason = 'retention') THEN
            RAISE EXCEPTION 'no checkpoint names the last event of %', partition_name USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    EXECUTE format('DROP TABLE public.%I', partition_name);
    IF last_seq IS NOT NULL THEN
        DELETE FROM public.audit_summary s WHERE s.last_seq <= audit_drop_month.last_seq;
        -- An hour that lies on both sides of the cut: of these there are few. One after another, by number: in one statement
        -- the whole log would be read for them.
        FOR straddling IN SELECT s.hour, s.type, s.outcome, s.last_seq FROM public.audit_summary s
                     WHERE s.first_seq <= audit_drop_month.last_seq LOOP
            SELECT count(*), min(e.seq) INTO left_events, left_first FROM public.audit_event e
             WHERE e.seq BETWEEN audit_drop_month.last_seq + 1 AND straddling.last_seq
               AND date_trunc('hour', e.occurred_at, 'UTC') = straddling.hour
               AND left(e.type, 100) = straddling.type AND left(e.outcome, 100) = straddling.outcome;
            IF left_events = 0 THEN
                DELETE FROM public.audit_summary s
                 WHERE s.hour = straddling.hour AND s.type = straddling.type AND s.outcome = straddling.outcome;
            ELSE
                UPDATE public.audit_summary s SET events = left_events, first_seq = left_first
                 WHERE s.hour = straddling.hour AND s.type = straddling.type AND s.outcome = straddling.outcome;
            END IF;
        END LOOP;
    END IF;
    RETURN NEXT;
END
$$;
