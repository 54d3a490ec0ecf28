-- The keys that sign what Holdfast asserts to applications. The private part is encrypted with SECRETS_KEYS, which web processes
-- have and the worker has not: web processes make keys, the worker moves them on.

CREATE TABLE "assertion_key" (
    "kid" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "public_jwk" JSONB NOT NULL,
    "private_encrypted" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "current_since" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),
    CONSTRAINT "assertion_key_pkey" PRIMARY KEY ("kid"),
    CONSTRAINT "assertion_key_state" CHECK ("state" IN ('next', 'current', 'retired'))
);
CREATE UNIQUE INDEX "assertion_key_one_current" ON "assertion_key"("state") WHERE "state" = 'current';
CREATE UNIQUE INDEX "assertion_key_one_next" ON "assertion_key"("state") WHERE "state" = 'next';
CREATE INDEX "assertion_key_retired" ON "assertion_key"("retired_at") WHERE "state" = 'retired';

GRANT SELECT, INSERT ON "assertion_key" TO "holdfast_web";
GRANT UPDATE ("state", "current_since", "retired_at") ON "assertion_key" TO "holdfast_web";
GRANT SELECT ("kid", "state", "created_at", "current_since", "retired_at"), DELETE,
      UPDATE ("state", "current_since", "retired_at") ON "assertion_key" TO "holdfast_worker";
-- Processes read the keys again with the applications.
GRANT UPDATE ("version") ON "application_version" TO "holdfast_worker";
