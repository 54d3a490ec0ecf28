-- Known browsers that were revoked are deleted.
CREATE INDEX CONCURRENTLY "known_device_revoked" ON "known_device"("revoked_at") WHERE "revoked_at" IS NOT NULL;
