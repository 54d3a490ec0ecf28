-- In place of (actor_id, seq): what somebody did to themselves is found by its subject.
CREATE INDEX CONCURRENTLY "audit_event_of_another_idx" ON "audit_event"("actor_id", "seq") WHERE "actor_id" IS DISTINCT FROM "subject_id";
