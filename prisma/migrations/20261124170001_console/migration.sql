-- What the operators' console needs: a version that says whether an account has changed since somebody looked at it, the few
-- accounts that a filter picks out of many, and how much waits to be sealed.

ALTER TABLE "user_account" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 0;
CREATE INDEX "user_account_operators" ON "user_account"("email_key") WHERE "role" = 'operator';
CREATE INDEX "user_account_disabled" ON "user_account"("email_key") WHERE "disabled_at" IS NOT NULL;

-- A web process may not read the outbox. This tells it no more than how long it is, counted to ten thousand, and how old its
-- first event is.
CREATE FUNCTION "outbox_waiting"() RETURNS TABLE ("waiting" bigint, "oldest" timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (SELECT count(*) FROM (SELECT FROM public."outbox" LIMIT 10001) AS counted),
           (SELECT o."created_at" FROM public."outbox" o ORDER BY o."id" LIMIT 1)
$$;
REVOKE ALL ON FUNCTION "outbox_waiting"() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "outbox_waiting"() TO "holdfast_web", "holdfast_worker";
