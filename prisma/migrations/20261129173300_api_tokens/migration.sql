-- Tokens by which programs read the audit log for somebody: only the hash is kept.
CREATE TABLE "api_token" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "scopes" TEXT[] NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "created_by" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    CONSTRAINT "api_token_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "api_token_token_hash_key" ON "api_token"("token_hash");
CREATE INDEX "api_token_user_id_idx" ON "api_token"("user_id");
CREATE INDEX "api_token_expires_at_idx" ON "api_token"("expires_at");
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

GRANT SELECT, INSERT, DELETE ON "api_token" TO "holdfast_web";
GRANT UPDATE ("last_used_at", "revoked_at") ON "api_token" TO "holdfast_web";
-- The worker ends them with an account that it secures, and deletes old ones.
GRANT SELECT ("id", "user_id", "expires_at", "revoked_at"), SELECT (ctid), UPDATE ("revoked_at"), DELETE ON "api_token" TO "holdfast_worker";

-- With the role they end, also where a version that knows no tokens takes it away. This version has ended and recorded them by then.
CREATE FUNCTION "api_tokens_end_with_role"() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE public."api_token" SET "revoked_at" = clock_timestamp() WHERE "user_id" = NEW."id" AND "revoked_at" IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER "api_tokens_end_with_role" AFTER UPDATE ON "user_account"
    FOR EACH ROW WHEN ((OLD."role" = 'operator' OR OLD."auditor") AND NEW."role" = 'member' AND NOT NEW."auditor")
    EXECUTE FUNCTION "api_tokens_end_with_role"();
