-- Known browsers, the records of the throttle, and what a web process may read of the attempts that still wait.

CREATE TABLE "known_device" (
    "id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),
    CONSTRAINT "known_device_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "known_device_token_hash_key" ON "known_device"("token_hash");
CREATE INDEX "known_device_user_id_idx" ON "known_device"("user_id");
CREATE INDEX "known_device_last_used_at_idx" ON "known_device"("last_used_at");
ALTER TABLE "known_device" ADD CONSTRAINT "known_device_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "throttle_block" (
    "id" UUID NOT NULL,
    "scope" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "user_id" UUID,
    "ip" INET,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "until_at" TIMESTAMPTZ(3) NOT NULL,
    "failures" INTEGER NOT NULL,
    "refused" BIGINT NOT NULL DEFAULT 0,
    "ended_at" TIMESTAMPTZ(3),
    "end_reason" TEXT,
    "lifted_by" UUID,
    "lift_reason" TEXT,
    CONSTRAINT "throttle_block_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "throttle_block_ended_with_reason" CHECK (("ended_at" IS NULL) = ("end_reason" IS NULL))
);
CREATE INDEX "throttle_block_started_at_idx" ON "throttle_block"("started_at");
CREATE INDEX "throttle_block_open" ON "throttle_block"("until_at") WHERE "ended_at" IS NULL;

-- Refused attempts leave no row each: one row a block and ten minutes, with their number.
CREATE TABLE "throttle_refusal" (
    "block_id" UUID NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "attempts" BIGINT NOT NULL,
    CONSTRAINT "throttle_refusal_pkey" PRIMARY KEY ("block_id", "since")
);
CREATE INDEX "throttle_refusal_since_idx" ON "throttle_refusal"("since");

ALTER TABLE "outbox" ADD COLUMN "block" JSONB;
ALTER TABLE "login_attempt" ADD COLUMN "device_id" UUID;
CREATE INDEX "login_attempt_ip_occurred_at_idx" ON "login_attempt"("ip", "occurred_at");

-- What the throttle needs of the attempts that the worker has not sealed yet; the rest of the outbox stays closed.
CREATE FUNCTION "throttle_waiting"()
    RETURNS TABLE ("id" uuid, "occurred_at" timestamptz, "outcome" text, "ip" text, "attempt" jsonb, "block" jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT (o."event"->>'id')::uuid, (o."event"->>'occurredAt')::timestamptz, o."event"->>'outcome', o."event"->>'ip',
           o."attempt", o."block"
      FROM public."outbox" o WHERE o."attempt" IS NOT NULL OR o."block" IS NOT NULL
$$;
REVOKE ALL ON FUNCTION "throttle_waiting"() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "throttle_waiting"() TO "holdfast_web", "holdfast_worker";

GRANT SELECT, INSERT, UPDATE ON "known_device" TO "holdfast_web";
GRANT SELECT, DELETE ON "known_device" TO "holdfast_worker";
GRANT SELECT ON "throttle_block", "throttle_refusal" TO "holdfast_web";
-- Lifting takes effect in the transaction that records it.
GRANT UPDATE ("ended_at", "end_reason", "lifted_by", "lift_reason") ON "throttle_block" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE, DELETE ON "throttle_block", "throttle_refusal" TO "holdfast_worker";
