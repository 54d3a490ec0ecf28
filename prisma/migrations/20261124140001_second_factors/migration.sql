-- Second factors: authenticator apps, recovery codes, passkeys; log-ins that wait for one; challenges that were used. And what a
-- session proved, which the database itself holds to: no session of a password alone where there is a second factor.

CREATE TABLE "totp" (
    "user_id" UUID NOT NULL,
    "secret" BYTEA NOT NULL,
    "last_step" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "totp_pkey" PRIMARY KEY ("user_id")
);
ALTER TABLE "totp" ADD CONSTRAINT "totp_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "recovery_code" (
    "user_id" UUID NOT NULL,
    "code_hash" BYTEA NOT NULL,
    "salt" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3),
    CONSTRAINT "recovery_code_pkey" PRIMARY KEY ("user_id", "code_hash")
);
ALTER TABLE "recovery_code" ADD CONSTRAINT "recovery_code_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "passkey" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "credential_id" TEXT NOT NULL,
    "public_key" BYTEA NOT NULL,
    "counter" BIGINT NOT NULL,
    "transports" TEXT[],
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    CONSTRAINT "passkey_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "passkey_credential_id_key" ON "passkey"("credential_id");
CREATE INDEX "passkey_user_id_idx" ON "passkey"("user_id");
ALTER TABLE "passkey" ADD CONSTRAINT "passkey_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "pending_login" (
    "id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "user_id" UUID NOT NULL,
    "password_mark" BYTEA NOT NULL,
    "remember" BOOLEAN NOT NULL,
    "next" TEXT,
    "device_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "pending_login_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "pending_login_token_hash_key" ON "pending_login"("token_hash");
CREATE INDEX "pending_login_expires_at_idx" ON "pending_login"("expires_at");
CREATE INDEX "pending_login_user_id_idx" ON "pending_login"("user_id");
ALTER TABLE "pending_login" ADD CONSTRAINT "pending_login_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "used_challenge" (
    "hash" BYTEA NOT NULL,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "used_challenge_pkey" PRIMARY KEY ("hash")
);
CREATE INDEX "used_challenge_used_at_idx" ON "used_challenge"("used_at");

ALTER TABLE "session" ADD COLUMN "proved" TEXT NOT NULL DEFAULT 'password';

-- Holds for every process, one of an older version too: that one writes no "proved", and is refused.
CREATE FUNCTION "session_needs_second_factor"() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW."proved" = 'password'
       AND (EXISTS (SELECT FROM public."totp" WHERE "user_id" = NEW."user_id")
            OR EXISTS (SELECT FROM public."passkey" WHERE "user_id" = NEW."user_id")) THEN
        RAISE EXCEPTION 'a session of this account needs its second factor' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "session_second_factor" BEFORE INSERT ON "session"
    FOR EACH ROW EXECUTE FUNCTION "session_needs_second_factor"();

GRANT SELECT, INSERT, UPDATE, DELETE ON "totp", "recovery_code", "passkey" TO "holdfast_web";
GRANT SELECT, INSERT, DELETE ON "pending_login" TO "holdfast_web";
GRANT INSERT ON "used_challenge" TO "holdfast_web";
GRANT SELECT ("id", "expires_at"), DELETE ON "pending_login" TO "holdfast_worker";
GRANT SELECT, DELETE ON "used_challenge" TO "holdfast_worker";
