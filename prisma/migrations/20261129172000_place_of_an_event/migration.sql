-- Where an event may have come from, guessed by a file when it was sealed; and what somebody's log-ins are like, so that it shows
-- what is unusual about one. Both are personal: they go with the account.

ALTER TABLE "audit_event" ADD COLUMN "place" TEXT;

-- Without a foreign key: whoever seals holds the head of the log, and must not wait for a row of an account.
CREATE TABLE "login_habit" (
    "user_id" UUID NOT NULL,
    "habits" JSONB NOT NULL,
    CONSTRAINT "login_habit_pkey" PRIMARY KEY ("user_id")
) WITH (fillfactor = 70);
GRANT SELECT ON "login_habit" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ON "login_habit" TO "holdfast_worker";

-- As before, and the place.
CREATE OR REPLACE FUNCTION "audit_event_refuse_change"() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    erased record;
BEGIN
    IF TG_OP = 'UPDATE' AND TG_LEVEL = 'ROW' THEN
        erased := OLD;
        erased.ip := NULL;
        erased.user_agent := NULL;
        erased.place := NULL;
        erased.personal_salt := NULL;
        IF OLD.personal_salt IS NOT NULL AND NEW *= erased THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_event is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE OR REPLACE FUNCTION "audit_blank_sealed"("person" uuid, "behind" bigint, "most" integer, OUT "erased" bigint, OUT "read_to" bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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

-- As before, and the habits: after the outbox, as the worker takes the two in this order.
CREATE OR REPLACE FUNCTION "audit_erase_person"("person" uuid, "by_whom" uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    waiting bigint;
    sealed record;
BEGIN
    PERFORM public.audit_require_deleted(person);
    UPDATE public.outbox
       SET event = event || '{"ip": null, "userAgent": null}', attempt = NULL,
           block = CASE WHEN block->>'key' LIKE 'ac:%'
                        THEN block || jsonb_build_object('key', 'ac:' || split_part(block->>'key', ':', 2) || ':erased')
                        ELSE block END
     WHERE (event->>'actor' = person::text OR (event->>'subject' = person::text AND event->>'actor' IS NULL))
       AND (event->>'ip' IS NOT NULL OR event->>'userAgent' IS NOT NULL);
    GET DIAGNOSTICS waiting = ROW_COUNT;
    sealed := public.audit_blank_sealed(person, 0, 10000);
    DELETE FROM public.login_habit WHERE user_id = person;
    DELETE FROM public.login_attempt WHERE user_id = person;
    UPDATE public.throttle_block
       SET ip = NULL,
           key = CASE WHEN key LIKE 'ac:%' THEN 'ac:' || split_part(key, ':', 2) || ':erased' ELSE key END
     WHERE user_id = person AND (ip IS NOT NULL OR key LIKE 'ac:%');
    UPDATE public.session SET ip = NULL, user_agent = NULL
     WHERE user_id = person AND (ip IS NOT NULL OR user_agent IS NOT NULL);
    UPDATE public.user_account SET erased_at = clock_timestamp() WHERE id = person AND sealed.read_to IS NULL;
    PERFORM public.audit_record_erasure(person, by_whom, waiting + sealed.erased);
    RETURN waiting + sealed.erased;
END
$$;
