-- The list of people by when their accounts were created.
CREATE INDEX CONCURRENTLY "user_account_created" ON "user_account"("created_at", "id") WHERE "deleted_at" IS NULL;
