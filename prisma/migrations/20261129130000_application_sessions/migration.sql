-- A session at an application is a session: a row with the session of its person as parent, and an ending that comes with the
-- parent's. Without foreign keys: rows of ended sessions outlive a removed application, and parents are deleted with the rest.

ALTER TABLE "session" ADD COLUMN "parent_id" UUID,
                      ADD COLUMN "application_id" UUID,
                      ADD COLUMN "login_id" UUID;
-- New rows are held to it; the old ones have neither.
ALTER TABLE "session" ADD CONSTRAINT "session_of_an_application"
    CHECK (("parent_id" IS NULL) = ("application_id" IS NULL) AND ("parent_id" IS NULL OR "login_id" IS NOT NULL)) NOT VALID;

GRANT SELECT ("parent_id", "application_id", "login_id") ON "session" TO "holdfast_worker";
-- The worker names the application in the event of an ending.
GRANT SELECT ("id", "slug") ON "application" TO "holdfast_worker";
-- Every process asks once a second how often groups and applications have changed.
GRANT SELECT ON "application_version" TO "holdfast_worker";

-- Holds for every process: one of an older version ends or replaces a session and knows nothing of its children. This version
-- has ended or moved them before its transaction commits, so nothing is left to do here.
CREATE FUNCTION "session_ends_children"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    WITH "ended" AS (
        UPDATE public."session" AS "child" SET "ended_at" = clock_timestamp(), "end_reason" = NEW."end_reason"
         WHERE "child"."parent_id" IS NOT NULL AND "child"."parent_id" = NEW."id" AND "child"."ended_at" IS NULL
        RETURNING "child"."id", "child"."user_id"
    )
    INSERT INTO public."outbox" ("event")
    SELECT jsonb_build_object(
               'v', 1, 'id', gen_random_uuid(), 'outcome', 'success', 'actor', NULL, 'subject', "ended"."user_id",
               'type', CASE NEW."end_reason" WHEN 'expired' THEN 'session_expired' ELSE 'session_ended' END,
               'session', "ended"."id", 'requestId', NULL, 'ip', NULL, 'userAgent', NULL,
               'occurredAt', to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
               'detail', jsonb_build_object('reason', NEW."end_reason"))
      FROM "ended";
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER "session_children" AFTER UPDATE ON "session" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD."ended_at" IS NULL AND NEW."ended_at" IS NOT NULL AND NEW."application_id" IS NULL)
    EXECUTE FUNCTION "session_ends_children"();

-- What an application's host brings back from the log-in: once, within a minute, in the browser that asked.
CREATE TABLE "application_ticket" (
    "hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "login_id" UUID NOT NULL,
    "application_id" UUID NOT NULL,
    "state_hash" BYTEA NOT NULL,
    "target" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    CONSTRAINT "application_ticket_pkey" PRIMARY KEY ("hash")
);
CREATE INDEX "application_ticket_login_id_created_at_idx" ON "application_ticket"("login_id", "created_at");
CREATE INDEX "application_ticket_expires_at_idx" ON "application_ticket"("expires_at");
CREATE INDEX "application_ticket_user_id_idx" ON "application_ticket"("user_id");
ALTER TABLE "application_ticket" ADD CONSTRAINT "application_ticket_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

GRANT SELECT, INSERT ON "application_ticket" TO "holdfast_web";
GRANT UPDATE ("used_at") ON "application_ticket" TO "holdfast_web";
GRANT SELECT ("hash", "expires_at"), DELETE ON "application_ticket" TO "holdfast_worker";
