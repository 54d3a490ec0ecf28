-- Mail that waits or was sent, registrations that wait for their mailed link, and one-time links that the worker gives a secret.

CREATE TABLE "registration" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "password_hash" TEXT,
    "browser_hash" BYTEA,
    "invited_by" UUID,
    "role" "role" NOT NULL DEFAULT 'member',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "registration_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "registration_email_key_idx" ON "registration"("email_key");
CREATE INDEX "registration_expires_at_idx" ON "registration"("expires_at");

-- A token without a hash waits for the worker to render its mail; nobody can use it before.
ALTER TABLE "token" ALTER COLUMN "token_hash" DROP NOT NULL;
ALTER TABLE "token" ALTER COLUMN "user_id" DROP NOT NULL;
ALTER TABLE "token" ADD COLUMN "email" TEXT;
ALTER TABLE "token" ADD COLUMN "binding" BYTEA;
ALTER TABLE "token" ADD COLUMN "registration_id" UUID;
ALTER TABLE "token" ADD CONSTRAINT "token_registration_id_fkey" FOREIGN KEY ("registration_id") REFERENCES "registration"("id") ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX "token_user_id_idx" ON "token"("user_id");
CREATE INDEX "token_registration_id_idx" ON "token"("registration_id");

CREATE TABLE "mail" (
    "id" UUID NOT NULL,
    "recipient" TEXT NOT NULL,
    "user_id" UUID,
    "template" TEXT NOT NULL,
    "parameters" JSONB NOT NULL DEFAULT '{}',
    "language" TEXT NOT NULL,
    "token_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    CONSTRAINT "mail_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "mail_ended_with_outcome" CHECK (("ended_at" IS NULL) = ("outcome" IS NULL)),
    CONSTRAINT "mail_outcome" CHECK ("outcome" IN ('sent', 'failed', 'dropped'))
);
ALTER TABLE "mail" ADD CONSTRAINT "mail_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "mail" ADD CONSTRAINT "mail_token_id_fkey" FOREIGN KEY ("token_id") REFERENCES "token"("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE INDEX "mail_due" ON "mail"("due_at") WHERE "ended_at" IS NULL;
CREATE INDEX "mail_created_at_idx" ON "mail"("created_at");
CREATE INDEX "mail_user_id_idx" ON "mail"("user_id");
CREATE INDEX "mail_token_id_idx" ON "mail"("token_id");

GRANT SELECT, INSERT ON "mail" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE, DELETE ON "registration" TO "holdfast_web";

-- The worker gives a link its secret; which link, for whom and for what, only a web process decides.
GRANT SELECT, DELETE ON "mail" TO "holdfast_worker";
GRANT UPDATE ("due_at", "attempts", "last_error", "ended_at", "outcome") ON "mail" TO "holdfast_worker";
GRANT UPDATE ("token_hash", "expires_at") ON "token" TO "holdfast_worker";
GRANT SELECT ("id", "expires_at"), DELETE ON "registration" TO "holdfast_worker";
