-- In place of (session_id, seq): a session has few events, so one entry has all of a month.
CREATE INDEX CONCURRENTLY "audit_event_session_idx" ON "audit_event"("session_id") WHERE "session_id" IS NOT NULL;
