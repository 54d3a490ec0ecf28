-- Each end of a session looks for its children.
CREATE INDEX CONCURRENTLY "session_live_child" ON "session"("parent_id") WHERE "ended_at" IS NULL AND "parent_id" IS NOT NULL;
