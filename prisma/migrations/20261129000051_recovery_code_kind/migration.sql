-- How a recovery code is kept: null for Argon2id, as every version before wrote it, or 'hmac-sha256'. An older version that runs
-- beside this one counts and deletes both kinds; a code of the new kind is too long for it, so it refuses it and hashes nothing.

ALTER TABLE "recovery_code" ADD COLUMN "kind" TEXT;
