-- Each log-in counts the account's live sessions, however many have ended.
CREATE INDEX CONCURRENTLY "session_live_user" ON "session"("user_id") WHERE "ended_at" IS NULL;
