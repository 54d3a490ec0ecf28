-- In place of (ip, seq), as with types: 8,192 events, in which one address rarely has many.
CREATE INDEX CONCURRENTLY "audit_event_ip_block_idx" ON "audit_event"("ip", ("seq" >> 13)) WHERE "ip" IS NOT NULL;
