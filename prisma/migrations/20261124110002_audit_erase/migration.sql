-- Erasing who it was: the only change of a sealed event that the database lets through takes away the address, the browser and
-- the salt of their hash, all three, and nothing else.

CREATE OR REPLACE FUNCTION "audit_event_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased record;
BEGIN
    IF TG_OP = 'UPDATE' AND TG_LEVEL = 'ROW' THEN
        erased := OLD;
        erased.ip := NULL;
        erased.user_agent := NULL;
        erased.personal_salt := NULL;
        IF OLD.personal_salt IS NOT NULL AND NEW *= erased THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_event is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Erases one person from the log, from what waits to be sealed, and from the records of attempts, blocks and sessions; returns
-- the number of events. An event is a person's if they did it, or if nobody is known to have done it to them: the address of an
-- operator who changed somebody's account is the operator's. What waits goes first: if it is being sealed right now, this waits,
-- and finds it in the log.
CREATE FUNCTION "audit_erase_person"("person" uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    waiting bigint;
    sealed_actor bigint;
    sealed_subject bigint;
BEGIN
    UPDATE public.outbox SET event = event || '{"ip": null, "userAgent": null}', attempt = NULL
     WHERE (event->>'actor' = person::text OR (event->>'subject' = person::text AND event->>'actor' IS NULL))
       AND (event->>'ip' IS NOT NULL OR event->>'userAgent' IS NOT NULL);
    GET DIAGNOSTICS waiting = ROW_COUNT;
    UPDATE public.audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL
     WHERE actor_id = person AND (ip IS NOT NULL OR user_agent IS NOT NULL);
    GET DIAGNOSTICS sealed_actor = ROW_COUNT;
    UPDATE public.audit_event SET ip = NULL, user_agent = NULL, personal_salt = NULL
     WHERE subject_id = person AND actor_id IS NULL AND (ip IS NOT NULL OR user_agent IS NOT NULL);
    GET DIAGNOSTICS sealed_subject = ROW_COUNT;
    DELETE FROM public.login_attempt WHERE user_id = person;
    UPDATE public.throttle_block SET ip = NULL WHERE user_id = person AND ip IS NOT NULL;
    UPDATE public.session SET ip = NULL, user_agent = NULL
     WHERE user_id = person AND (ip IS NOT NULL OR user_agent IS NOT NULL);
    RETURN waiting + sealed_actor + sealed_subject;
END
$$;
REVOKE ALL ON FUNCTION "audit_erase_person"(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "audit_erase_person"(uuid) TO "holdfast_web", "holdfast_worker";
