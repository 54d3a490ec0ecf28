-- Signed statements of where the log ended at a time. The key is not in the database, so that its owner can't make one.

CREATE TABLE "audit_checkpoint" (
    "seq" BIGINT NOT NULL,
    "made_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "sealed_at" TIMESTAMPTZ(3) NOT NULL,
    "key_id" TEXT NOT NULL,
    "signature" BYTEA NOT NULL,
    CONSTRAINT "audit_checkpoint_pkey" PRIMARY KEY ("seq", "made_at")
);

CREATE FUNCTION "audit_checkpoint_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_checkpoint is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "audit_checkpoint_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_checkpoint"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_checkpoint_refuse_change"();

GRANT SELECT ON "audit_checkpoint" TO "holdfast_web";
GRANT SELECT, INSERT ON "audit_checkpoint" TO "holdfast_worker";

-- Drops the oldest month of the log, whole, and what the summary counted of it; returns the numbers that went. Refused for this
-- month and the one before, whatever the settings say, for any but the oldest, and as long as no checkpoint names its last event.
CREATE FUNCTION "audit_drop_month"("month_start" timestamp) RETURNS TABLE ("first_seq" bigint, "last_seq" bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '1s' AS $$
DECLARE
    partition_name text := 'audit_event_' || to_char(month_start, 'YYYY_MM');
    last_hash bytea;
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
        -- An hour that lies on both sides of the cut: of these there are few.
        DELETE FROM public.audit_summary s WHERE s.first_seq <= audit_drop_month.last_seq AND NOT EXISTS (
            SELECT FROM public.audit_event e WHERE e.seq BETWEEN s.first_seq AND s.last_seq
               AND date_trunc('hour', e.occurred_at, 'UTC') = s.hour AND left(e.type, 100) = s.type AND left(e.outcome, 100) = s.outcome);
        UPDATE public.audit_summary s SET (events, first_seq) = (
            SELECT count(*), min(e.seq) FROM public.audit_event e WHERE e.seq BETWEEN s.first_seq AND s.last_seq
               AND date_trunc('hour', e.occurred_at, 'UTC') = s.hour AND left(e.type, 100) = s.type AND left(e.outcome, 100) = s.outcome)
         WHERE s.first_seq <= audit_drop_month.last_seq;
    END IF;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION "audit_drop_month"(timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "audit_drop_month"(timestamp) TO "holdfast_worker";
