-- Accounts, sessions, the outbox, the sealed log and its guards, and the least that each process may do.

CREATE TYPE "role" AS ENUM ('member', 'operator');

CREATE TABLE "user_account" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "role" "role" NOT NULL DEFAULT 'member',
    "disabled_at" TIMESTAMPTZ(3),
    "password_changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "user_account_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_account_email_key_key" ON "user_account"("email_key");

CREATE TABLE "session" (
    "id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "remember" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "idle_timeout_seconds" INTEGER NOT NULL,
    "idle_deadline" TIMESTAMPTZ(3) NOT NULL,
    "absolute_deadline" TIMESTAMPTZ(3) NOT NULL,
    "ip" INET,
    "user_agent" TEXT,
    "data" JSONB NOT NULL DEFAULT '{}',
    "ended_at" TIMESTAMPTZ(3),
    "end_reason" TEXT,
    "ending_seq" BIGINT,
    CONSTRAINT "session_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "session_ended_with_reason" CHECK (("ended_at" IS NULL) = ("end_reason" IS NULL))
);
CREATE UNIQUE INDEX "session_token_hash_key" ON "session"("token_hash");
CREATE INDEX "session_user_id_created_at_idx" ON "session"("user_id", "created_at");
-- What the cleanup looks for, and what a Redis that has gone back in time must be told again.
CREATE INDEX "session_live_idle" ON "session"("idle_deadline") WHERE "ended_at" IS NULL;
CREATE INDEX "session_live_absolute" ON "session"("absolute_deadline") WHERE "ended_at" IS NULL;
CREATE INDEX "session_ended_unsealed" ON "session"("ended_at") WHERE "ended_at" IS NOT NULL AND "ending_seq" IS NULL;
CREATE INDEX "session_ending_seq" ON "session"("ending_seq") WHERE "ending_seq" IS NOT NULL;

CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL,
    "event" JSONB NOT NULL,
    "attempt" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "audit_head" (
    "id" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "sealed_at" TIMESTAMPTZ(3) NOT NULL,
    "ending_seq" BIGINT NOT NULL,
    CONSTRAINT "audit_head_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "audit_head_single" CHECK ("id" = 1)
);
INSERT INTO "audit_head" VALUES (1, 0, decode(repeat('00', 32), 'hex'), CURRENT_TIMESTAMP, 0);

CREATE TABLE "audit_event" (
    "seq" BIGINT NOT NULL,
    "sealed_at" TIMESTAMPTZ(3) NOT NULL,
    "id" UUID NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "type" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "actor_id" UUID,
    "subject_id" UUID,
    "session_id" UUID,
    "request_id" TEXT,
    "detail" JSONB NOT NULL,
    "ip" INET,
    "user_agent" TEXT,
    "personal_salt" BYTEA,
    "personal_hash" BYTEA NOT NULL,
    "prev_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,
    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("seq", "sealed_at")
) PARTITION BY RANGE ("sealed_at");
CREATE INDEX "audit_event_actor_id_seq_idx" ON "audit_event"("actor_id", "seq");
CREATE INDEX "audit_event_subject_id_seq_idx" ON "audit_event"("subject_id", "seq");
CREATE INDEX "audit_event_session_id_seq_idx" ON "audit_event"("session_id", "seq");
CREATE INDEX "audit_event_type_seq_idx" ON "audit_event"("type", "seq");
CREATE INDEX "audit_event_ip_seq_idx" ON "audit_event"("ip", "seq");

CREATE TABLE "login_attempt" (
    "id" UUID NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "user_id" UUID,
    "identifier_hash" BYTEA NOT NULL,
    "ip" INET,
    "user_agent" TEXT,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "request_id" TEXT,
    CONSTRAINT "login_attempt_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "login_attempt_occurred_at_idx" ON "login_attempt"("occurred_at");
CREATE INDEX "login_attempt_user_id_occurred_at_idx" ON "login_attempt"("user_id", "occurred_at");

CREATE TABLE "token" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    CONSTRAINT "token_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "token_token_hash_key" ON "token"("token_hash");
CREATE INDEX "token_expires_at_idx" ON "token"("expires_at");

ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "token" ADD CONSTRAINT "token_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The log is append-only for everybody, its owner included.

CREATE FUNCTION "audit_event_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_event is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "audit_event_append_only" BEFORE UPDATE OR DELETE ON "audit_event"
    FOR EACH ROW EXECUTE FUNCTION "audit_event_refuse_change"();
CREATE TRIGGER "audit_event_no_truncate" BEFORE TRUNCATE ON "audit_event"
    FOR EACH STATEMENT EXECUTE FUNCTION "audit_event_refuse_change"();

-- Makes the partitions of this month and the given number of months after it, and says how many were missing.
CREATE FUNCTION "audit_ensure_partitions"("months_ahead" integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    first_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month_start timestamp;
    partition_name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_ensure_partitions'));
    FOR i IN 0..months_ahead LOOP
        month_start := first_month + make_interval(months => i);
        partition_name := 'audit_event_' || to_char(month_start, 'YYYY_MM');
        IF to_regclass('public.' || partition_name) IS NULL THEN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_event FOR VALUES FROM (%L) TO (%L)',
                partition_name, month_start AT TIME ZONE 'UTC', (month_start + interval '1 month') AT TIME ZONE 'UTC');
            EXECUTE format('CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON public.%I FOR EACH STATEMENT EXECUTE FUNCTION public.audit_event_refuse_change()',
                partition_name);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION "audit_ensure_partitions"(integer) FROM PUBLIC;
SELECT "audit_ensure_partitions"(2);

-- The roles belong to the whole server and may be there already, made for another database.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_web') THEN
        CREATE ROLE "holdfast_web" NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_worker') THEN
        CREATE ROLE "holdfast_worker" NOLOGIN;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO "holdfast_web", "holdfast_worker";

GRANT SELECT, INSERT, UPDATE ON "user_account", "session", "token" TO "holdfast_web";
GRANT INSERT ON "outbox" TO "holdfast_web";
-- Prisma reads back the id of the row it made, and nothing else of the outbox.
GRANT SELECT ("id") ON "outbox" TO "holdfast_web";
GRANT USAGE ON SEQUENCE "outbox_id_seq" TO "holdfast_web", "holdfast_worker";
GRANT SELECT ON "audit_event", "audit_head", "login_attempt" TO "holdfast_web";

GRANT SELECT ("id", "email", "role", "disabled_at") ON "user_account" TO "holdfast_worker";
GRANT SELECT, UPDATE, DELETE ON "session" TO "holdfast_worker";
GRANT SELECT, INSERT, DELETE ON "outbox" TO "holdfast_worker";
GRANT SELECT, INSERT ON "audit_event" TO "holdfast_worker";
GRANT SELECT, UPDATE ON "audit_head" TO "holdfast_worker";
GRANT SELECT, INSERT, DELETE ON "login_attempt" TO "holdfast_worker";
GRANT SELECT, DELETE ON "token" TO "holdfast_worker";
GRANT EXECUTE ON FUNCTION "audit_ensure_partitions"(integer) TO "holdfast_worker";
