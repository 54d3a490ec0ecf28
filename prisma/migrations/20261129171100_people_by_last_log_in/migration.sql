-- The list of people by their last log-in; of whom only the first is known, by that; last of all those without any.
CREATE INDEX CONCURRENTLY "user_account_last_login" ON "user_account"(coalesce("last_login_at", "first_login_at", '-infinity'::timestamptz), "id") WHERE "deleted_at" IS NULL;
