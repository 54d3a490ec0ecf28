-- The language that an account's owner reads: its mails are written in it, whoever caused them. The worker reads it when it writes one.
-- Null for accounts that were made before, or by a command: as whoever acts reads.

ALTER TABLE "user_account" ADD COLUMN "language" TEXT;
GRANT SELECT ("language") ON "user_account" TO "holdfast_worker";
