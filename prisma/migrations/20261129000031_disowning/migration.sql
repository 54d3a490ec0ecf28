-- Who disowns a log-in takes back what was set up under it. A factor remembers when its log-in was; null, where an older version set it
-- up: when it was made.
ALTER TABLE "totp" ADD COLUMN "logged_in_at" TIMESTAMPTZ(3);
ALTER TABLE "passkey" ADD COLUMN "logged_in_at" TIMESTAMPTZ(3);
ALTER TABLE "recovery_code" ADD COLUMN "logged_in_at" TIMESTAMPTZ(3);

-- The password that a log-in showed, for as long as its link is unanswered: whoever reads the mailbox and knows it too is the owner.
-- Apart from the links, which the worker reads: this table it can't.
CREATE TABLE "link_password" (
    "token_id" UUID NOT NULL,
    "password_hash" TEXT NOT NULL,
    CONSTRAINT "link_password_pkey" PRIMARY KEY ("token_id")
);
ALTER TABLE "link_password" ADD CONSTRAINT "link_password_token_id_fkey" FOREIGN KEY ("token_id") REFERENCES "token"("id") ON DELETE CASCADE ON UPDATE CASCADE;
GRANT SELECT, INSERT, DELETE ON "link_password" TO "holdfast_web";
