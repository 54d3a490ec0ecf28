-- Where the log is sent to, and up to which event each receiver has it.
CREATE TABLE "audit_drain" (
  "name" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "target" TEXT NOT NULL,
  "format" TEXT NOT NULL,
  "seq" BIGINT NOT NULL,
  "holder" UUID,
  "held_until" TIMESTAMPTZ(3),
  "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "sent_at" TIMESTAMPTZ(3),
  "failures" INTEGER NOT NULL DEFAULT 0,
  "last_error" TEXT,
  "failed_at" TIMESTAMPTZ(3),
  "paused_at" TIMESTAMPTZ(3),
  "rewind_to" BIGINT,
  "rewinds" INTEGER NOT NULL DEFAULT 0,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "audit_drain_pkey" PRIMARY KEY ("name"),
  CONSTRAINT "audit_drain_seq" CHECK ("seq" >= 0 AND "rewind_to" >= 0)
);

-- A web process asks; only a worker moves the cursor, and a request moves it back alone.
GRANT SELECT, UPDATE ("paused_at", "rewind_to") ON "audit_drain" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ON "audit_drain" TO "holdfast_worker";
