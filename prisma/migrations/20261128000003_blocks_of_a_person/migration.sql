-- A person's page shows the blocks of the account.
CREATE INDEX CONCURRENTLY "throttle_block_user" ON "throttle_block"("user_id", "started_at") WHERE "user_id" IS NOT NULL;
