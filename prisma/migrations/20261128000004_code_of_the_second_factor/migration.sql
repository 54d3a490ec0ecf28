-- A code of its own for what the log-in branches on. The message stays: an older version reads that.
CREATE OR REPLACE FUNCTION "session_needs_second_factor"() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW."proved" = 'password'
       AND (EXISTS (SELECT FROM public."totp" WHERE "user_id" = NEW."user_id")
            OR EXISTS (SELECT FROM public."passkey" WHERE "user_id" = NEW."user_id")) THEN
        RAISE EXCEPTION 'a session of this account needs its second factor' USING ERRCODE = 'HF001';
    END IF;
    RETURN NEW;
END
$$;
