-- What is rare on the page of somebody's own activity: that the account was secured, and now its API tokens. In place of
-- audit_event_secured_idx, which a version before this does with too.
CREATE INDEX CONCURRENTLY "audit_event_rare_activity_idx" ON "audit_event"("subject_id", "seq")
  WHERE "type" IN ('user_secured', 'api_token_created', 'api_token_revoked');
