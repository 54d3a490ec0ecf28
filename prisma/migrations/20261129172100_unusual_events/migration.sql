-- The filter "unusual": few events are, so the index is small (src/core/audit/reading/query.ts has its condition).
CREATE INDEX CONCURRENTLY "audit_event_unusual_idx" ON "audit_event"("seq") WHERE "detail" ? 'unusual';
