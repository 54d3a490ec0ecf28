-- Erasing takes the traces of deleted accounts only, and tells of itself: whoever may call the functions, a web process that is
-- no longer ours too, can't blank what a living account did, nor do it unseen.

-- So that an account is not deleted for a moment, to be erased, and then goes on.
CREATE FUNCTION "user_account_stays_deleted"() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.deleted_at IS NULL OR NEW.disabled_at IS NULL OR NEW.email_key <> OLD.email_key
       OR NEW.password_hash <> OLD.password_hash THEN
        RAISE EXCEPTION 'a deleted account stays deleted' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "user_account_stays_deleted" BEFORE UPDATE ON "user_account"
    FOR EACH ROW WHEN (OLD."deleted_at" IS NOT NULL) EXECUTE FUNCTION "user_account_stays_deleted"();

-- Throws unless nobody can use that account any more.
CREATE FUNCTION "audit_require_deleted"("person" uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.user_account u
                    WHERE u.id = person AND u.deleted_at IS NOT NULL AND u.disabled_at IS NOT NULL
                      AND u.password_hash = '' AND u.email_key = 'deleted:' || u.id)
       OR EXISTS (SELECT FROM public.session s WHERE s.user_id = person AND s.ended_at IS NULL) THEN
        RAISE EXCEPTION 'only what a deleted account left is erased' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION "audit_require_deleted"(uuid) FROM PUBLIC;

CREATE FUNCTION "audit_record_erasure"("person" uuid, "by_whom" uuid, "events" bigint) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO public.outbox (event) VALUES (jsonb_build_object(
        'v', 1, 'id', gen_random_uuid(), 'type', 'personal_data_erased', 'outcome', 'success',
        'occurredAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'actor', by_whom, 'subject', person, 'session', NULL, 'requestId', NULL, 'ip', NULL, 'userAgent', NULL,
        'detail', jsonb_build_object('events', events)))
$$;
REVOKE ALL ON FUNCTION "audit_record_erasure"(uuid, uuid, bigint) FROM PUBLIC;

-- What audit_erase_sealed did until now.
CREATE FUNCTION "audit_blank_sealed"("person" uuid, "behind" bigint, "most" integer, OUT "erased" bigint, OUT "read_to" bigint)
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
REVOKE ALL ON FUNCTION "audit_blank_sealed"(uuid, bigint, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION "audit_erase_sealed"("person" uuid, "behind" bigint, "most" integer, OUT "erased" bigint, OUT "read_to" bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.audit_require_deleted(person);
    SELECT b.erased, b.read_to INTO erased, read_to FROM public.audit_blank_sealed(person, behind, most) AS b;
    IF erased > 0 THEN
        PERFORM public.audit_record_erasure(person, NULL, erased);
    END IF;
END
$$;

-- `by_whom`: the account that asked for it, as the web process says.
CREATE FUNCTION "audit_erase_person"("person" uuid, "by_whom" uuid) RETURNS bigint
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
REVOKE ALL ON FUNCTION "audit_erase_person"(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "audit_erase_person"(uuid, uuid) TO "holdfast_web";

-- For a web process of the version before, which records an event of its own as well.
CREATE OR REPLACE FUNCTION "audit_erase_person"("person" uuid) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT public.audit_erase_person(person, NULL)
$$;

-- What is erased and not yet told of in the sealed log: a proof that is made meanwhile asks for it.
CREATE FUNCTION "audit_erasures_waiting"() RETURNS TABLE ("person" text, "events" text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT o."event"->>'subject', o."event"->'detail'->>'events' FROM public."outbox" o
     WHERE o."event"->>'type' = 'personal_data_erased'
$$;
REVOKE ALL ON FUNCTION "audit_erasures_waiting"() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "audit_erasures_waiting"() TO "holdfast_web", "holdfast_worker";
