-- New recovery codes are shown until their owner says that they are kept. Until then, for an hour at most, each stands
-- encrypted beside its hash (docs/decisions/0071): whatever deletes a code deletes that too.
ALTER TABLE "recovery_code" ADD COLUMN "shown" BYTEA, ADD COLUMN "shown_until" TIMESTAMPTZ(3);

-- The worker forgets what was shown for long enough. It reads neither a code nor its hash.
GRANT SELECT ("shown_until"), UPDATE ("shown", "shown_until") ON "recovery_code" TO "holdfast_worker";
