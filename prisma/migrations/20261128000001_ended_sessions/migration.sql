-- For what is done with ended sessions by their age: an emptied Redis is told of the last ones, and old ones are deleted.
CREATE INDEX CONCURRENTLY "session_ended_at" ON "session"("ended_at") WHERE "ended_at" IS NOT NULL;
