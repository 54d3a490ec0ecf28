-- A change of an application or a group looks for the sessions that it ends.
CREATE INDEX CONCURRENTLY "session_live_application" ON "session"("application_id", "user_id") WHERE "ended_at" IS NULL AND "application_id" IS NOT NULL;
