-- The partition of any one month, for the owner of the schema: made-up events begin months ago. The worker still makes those of
-- this month and the next ones only.

CREATE FUNCTION "audit_make_partition"("month_start" timestamp) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    partition_name text := 'audit_event_' || to_char(month_start, 'YYYY_MM');
BEGIN
    IF month_start <> date_trunc('month', month_start) THEN
        RAISE EXCEPTION 'a partition begins with a month';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('audit_ensure_partitions'));
    IF to_regclass('public.' || partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_event FOR VALUES FROM (%L) TO (%L)',
        partition_name, month_start AT TIME ZONE 'UTC', (month_start + interval '1 month') AT TIME ZONE 'UTC');
    EXECUTE format('CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON public.%I FOR EACH STATEMENT EXECUTE FUNCTION public.audit_event_refuse_change()',
        partition_name);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION "audit_make_partition"(timestamp) FROM PUBLIC;

CREATE OR REPLACE FUNCTION "audit_ensure_partitions"("months_ahead" integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*) FILTER (WHERE public.audit_make_partition(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i)))::integer
      FROM generate_series(0, months_ahead) AS i
$$;
