-- Erasing a person of very many events takes longer than a statement may: a part is erased with the account, the rest by the
-- worker. The account's empty row says when nothing is left, and stays until then.

ALTER TABLE "user_account" ADD COLUMN "erased_at" TIMESTAMPTZ(3);
GRANT SELECT ("erased_at"), UPDATE ("erased_at") ON "user_account" TO "holdfast_worker";

-- Erases a person from the sealed events behind a number, the oldest first, `most` of theirs at once; returns how many it erased
-- and the last that it looked at, null when it has seen all.
CREATE FUNCTION "audit_erase_sealed"("person" uuid, "behind" bigint, "most" integer, OUT "erased" bigint, OUT "read_to" bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    read bigint;
BEGIN
    WITH theirs AS MATERIALIZED (
        SELECT seq, sealed_at FROM (
            (SELECT e.seq, e.sealed_at FROM public.audit_event e
              WHERE e.actor_id = person AND e.seq > behind ORDER BY e.seq LIMIT most)
            UNION ALL
            (SELECT e.seq, e.sealed_at FROM public.audit_event e
              WHERE e.subject_id = person AND e.actor_id IS NULL AND e.seq > behind ORDER BY e.seq LIMIT most)
        ) AS found ORDER BY seq LIMIT most
    ), emptied AS (
        UPDATE public.audit_event e SET ip = NULL, user_agent = NULL, personal_salt = NULL
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
REVOKE ALL ON FUNCTION "audit_erase_sealed"(uuid, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "audit_erase_sealed"(uuid, bigint, integer) TO "holdfast_worker";

-- As before, but for the number of sealed events. A block's key holds the client's address too.
CREATE OR REPLACE FUNCTION "audit_erase_person"("person" uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    waiting bigint;
    sealed record;
BEGIN
    UPDATE public.outbox
       SET event = event || '{"ip": null, "userAgent": null}', attempt = NULL,
           block = CASE WHEN block->>'key' LIKE 'ac:%'
                        THEN block || jsonb_build_object('key', 'ac:' || split_part(block->>'key', ':', 2) || ':erased')
                        ELSE block END
     WHERE (event->>'actor' = person::text OR (event->>'subject' = person::text AND event->>'actor' IS NULL))
       AND (event->>'ip' IS NOT NULL OR event->>'userAgent' IS NOT NULL);
    GET DIAGNOSTICS waiting = ROW_COUNT;
    sealed := public.audit_erase_sealed(person, 0, 10000);
    DELETE FROM public.login_attempt WHERE user_id = person;
    UPDATE public.throttle_block
       SET ip = NULL,
           key = CASE WHEN key LIKE 'ac:%' THEN 'ac:' || split_part(key, ':', 2) || ':erased' ELSE key END
     WHERE user_id = person AND (ip IS NOT NULL OR key LIKE 'ac:%');
    UPDATE public.session SET ip = NULL, user_agent = NULL
     WHERE user_id = person AND (ip IS NOT NULL OR user_agent IS NOT NULL);
    UPDATE public.user_account SET erased_at = clock_timestamp() WHERE id = person AND sealed.read_to IS NULL;
    RETURN waiting + sealed.erased;
END
$$;
