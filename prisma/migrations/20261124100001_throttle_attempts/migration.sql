-- Attempts at forms other than the log-in, so that their windows too can be rebuilt when Redis was emptied. The web process
-- writes one as it lets it through, and may say how it settled; the worker deletes it when no window needs it any more.

CREATE TABLE "throttle_attempt" (
    "id" UUID NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "windows" TEXT[],
    "outcome" TEXT NOT NULL DEFAULT 'counted',
    CONSTRAINT "throttle_attempt_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "throttle_attempt_occurred_at_idx" ON "throttle_attempt"("occurred_at");

GRANT SELECT, INSERT, UPDATE ("outcome") ON "throttle_attempt" TO "holdfast_web";
GRANT SELECT, DELETE ON "throttle_attempt" TO "holdfast_worker";
