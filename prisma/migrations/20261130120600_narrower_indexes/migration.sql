-- The indexes that others stand in for. A version before this finds the same events without them, but slower.
DROP INDEX "audit_event_type_seq_idx", "audit_event_session_id_seq_idx", "audit_event_actor_id_seq_idx", "audit_event_request_id_idx",
           "audit_event_ip_seq_idx";

-- As before; what somebody did to themselves is found by its subject.
CREATE OR REPLACE FUNCTION "audit_blank_sealed"("person" uuid, "behind" bigint, "most" integer, OUT "erased" bigint, OUT "read_to" bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    read bigint;
BEGIN
    WITH theirs AS MATERIALIZED (
        SELECT seq, sealed_at FROM (
            (SELECT e.seq, e.sealed_at FROM public.audit_event e
              WHERE e.subject_id = person AND (e.actor_id = person OR e.actor_id IS NULL) AND e.seq > behind ORDER BY e.seq LIMIT most)
            UNION ALL
            (SELECT e.seq, e.sealed_at FROM public.audit_event e
              WHERE e.actor_id = person AND e.actor_id IS DISTINCT FROM e.subject_id AND e.seq > behind ORDER BY e.seq LIMIT most)
        ) AS found ORDER BY seq LIMIT most
    ), emptied AS (
        UPDATE public.audit_event e SET ip = NULL, user_agent = NULL, place = NULL, personal_salt = NULL
          FROM theirs WHERE e.seq = theirs.seq AND e.sealed_at = theirs.sealed_at
           AND (e.ip IS NOT NULL OR e.user_agent IS NOT NULL)
        RETURNING e.seq
    )
    SELECT (SELECT count(*) FROM emptied), count(*), max(seq) INTO erased, read, read_to FROM theirs;
    IF read < most THEN
        read_to := NULL;
    END IF;
END
$$;
