-- In place of a hash index, which leaves a quarter of each page empty and takes no two events of a request together.
CREATE INDEX CONCURRENTLY "audit_event_request_idx" ON "audit_event"(hashtextextended("request_id", 0)) WHERE "request_id" IS NOT NULL;
