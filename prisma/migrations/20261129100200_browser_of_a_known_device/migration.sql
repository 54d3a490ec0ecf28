-- What a known browser calls itself, so that its owner can tell it from others. The worker, which deletes old ones, does not
-- read it, nor the hash of the token.
ALTER TABLE "known_device" ADD COLUMN "user_agent" TEXT;

REVOKE SELECT ON "known_device" FROM "holdfast_worker";
GRANT SELECT ("id", "user_id", "created_at", "last_used_at", "revoked_at"), SELECT (ctid) ON "known_device" TO "holdfast_worker";
