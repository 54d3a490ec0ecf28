-- Who never logged in may be few among many.
CREATE INDEX CONCURRENTLY "user_account_never_logged_in" ON "user_account"("email_key") WHERE "first_login_at" IS NULL AND "last_login_at" IS NULL AND "deleted_at" IS NULL;
