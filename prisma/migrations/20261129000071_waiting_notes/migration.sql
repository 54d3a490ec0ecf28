-- The counters are read back from what waits in the outbox too. A row that makes no sense, as a bug of a newer version could leave
-- it, is left out: it must not keep the throttle from being read back. What the worker takes of such a row, it says when it seals.

CREATE OR REPLACE FUNCTION "throttle_waiting"()
    RETURNS TABLE ("id" uuid, "occurred_at" timestamptz, "outcome" text, "ip" text, "attempt" jsonb, "block" jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH known AS (SELECT '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' AS uuid)
    SELECT CASE WHEN o."event"->>'id' ~* known.uuid THEN (o."event"->>'id')::uuid END,
           o."created_at", o."event"->>'outcome', o."event"->>'ip',
           CASE WHEN o."event"->>'id' ~* known.uuid AND jsonb_typeof(o."attempt"->'identifierHash') = 'string'
                     AND coalesce(o."attempt"->>'device' ~* known.uuid, true)
                THEN o."attempt" END,
           CASE WHEN o."block"->>'id' ~* known.uuid AND jsonb_typeof(o."block"->'key') = 'string'
                     AND CASE WHEN jsonb_typeof(o."block"->'lastsMs') = 'number'
                              THEN (o."block"->>'lastsMs')::numeric BETWEEN 0 AND 315360000000 END
                THEN o."block" END
      FROM public."outbox" o, known WHERE o."attempt" IS NOT NULL OR o."block" IS NOT NULL
$$;
