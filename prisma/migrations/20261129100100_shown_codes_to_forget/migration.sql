-- Finds the codes that have been shown for long enough; alone in its file, because it may not run in a transaction.
CREATE INDEX CONCURRENTLY "recovery_code_shown" ON "recovery_code"("shown_until") WHERE "shown_until" IS NOT NULL;
