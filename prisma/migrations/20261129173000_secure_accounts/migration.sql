-- Securing an account takes its password away. Whoever may call this can make a password worthless, and never one that they know:
-- so the worker, which secures many accounts one after another, can do it without the right to write a hash.

CREATE FUNCTION "account_void_password"("account" uuid, "memory" integer, "passes" integer, "lanes" integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    -- A hash like any other, of which nobody knows a password: the form in which hashes are kept, with random bytes.
    voided text := format('$argon2id$v=19$m=%s,t=%s,p=%s$%s$%s', memory, passes, lanes,
        rtrim(encode(uuid_send(gen_random_uuid()), 'base64'), '='),
        rtrim(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '='));
BEGIN
    UPDATE public.user_account
       SET password_hash = voided, password_changed_at = clock_timestamp(), version = version + 1
     WHERE id = account AND deleted_at IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- What another system had kept of it counts no more.
    DELETE FROM public.imported_password WHERE user_id = account;
    RETURN voided;
END
$$;
REVOKE ALL ON FUNCTION "account_void_password"(uuid, integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "account_void_password"(uuid, integer, integer, integer) TO "holdfast_web", "holdfast_worker";

-- The rest of it, for the worker: the address for the mail and its link, the browsers that are known no more, the log-ins that wait.
GRANT SELECT ("email_key", "version") ON "user_account" TO "holdfast_worker";
GRANT UPDATE ("revoked_at") ON "known_device" TO "holdfast_worker";
GRANT SELECT ("user_id") ON "pending_login" TO "holdfast_worker";
GRANT INSERT ON "token", "mail" TO "holdfast_worker";

-- An operator's order to secure the accounts of a part of the log, and what is left of it.
CREATE TABLE "securing_order" (
    "id" UUID NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "actor_id" UUID,
    "reason" TEXT NOT NULL,
    "done_at" TIMESTAMPTZ(3),
    CONSTRAINT "securing_order_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "securing_order_undone_idx" ON "securing_order"("asked_at") WHERE "done_at" IS NULL;

CREATE TABLE "securing_account" (
    "order_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "done_at" TIMESTAMPTZ(3),
    -- secured, or gone where the account was deleted before its turn
    "outcome" TEXT,
    CONSTRAINT "securing_account_pkey" PRIMARY KEY ("order_id", "user_id"),
    CONSTRAINT "securing_account_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "securing_order"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

GRANT SELECT, INSERT ON "securing_order", "securing_account" TO "holdfast_web";
-- The command does the worker's part with the rights of a web process.
GRANT UPDATE ("done_at") ON "securing_order" TO "holdfast_web", "holdfast_worker";
GRANT UPDATE ("done_at", "outcome") ON "securing_account" TO "holdfast_web", "holdfast_worker";
GRANT SELECT, DELETE ON "securing_order" TO "holdfast_worker";
GRANT SELECT ON "securing_account" TO "holdfast_worker";

-- Who decides on an account that somebody else has just secured is told, before that event is sealed.
CREATE OR REPLACE FUNCTION "outbox_account_changes"("account" uuid) RETURNS TABLE ("event" jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT o."event" FROM public."outbox" o
     WHERE o."event"->>'subject' = account::text
       AND o."event"->>'type' IN ('user_disabled', 'user_enabled', 'privilege_permissions_changed', 'known_devices_forgotten',
                                  'authn_factor_removed', 'user_secured')
     ORDER BY o."id" DESC LIMIT 20
$$;
