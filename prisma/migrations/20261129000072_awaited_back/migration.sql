-- Registering asks whether an address may still be taken back, among all links.
CREATE INDEX CONCURRENTLY "token_awaited_back" ON "token"("binding") WHERE "purpose" = 'undo_email_change' AND "used_at" IS NULL;
