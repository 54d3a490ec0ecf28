-- What failed of one person is found at once, also where they have hundreds of thousands of events that did not fail. Few of
-- a log's events are failures: these indexes are small.
CREATE INDEX "audit_event_actor_id_failure_idx" ON "audit_event"("actor_id", "seq") WHERE "outcome" = 'failure';
CREATE INDEX "audit_event_subject_id_failure_idx" ON "audit_event"("subject_id", "seq") WHERE "outcome" = 'failure';
