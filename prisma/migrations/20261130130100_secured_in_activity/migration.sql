-- That an account was secured, for its owner's own page of activity. These events are rare, so the index costs next to nothing;
-- the other events of that page have an index of their own (audit_event_activity_idx).
CREATE INDEX "audit_event_secured_idx" ON "audit_event"("subject_id", "seq") WHERE "type" = 'user_secured';
