-- Accounts that their owner deleted. The row loses everything personal at once and stays, empty, until the last of its ended
-- sessions is past its deadline: an old copy of Redis must still be told that they have ended. Then the worker deletes it.

ALTER TABLE "user_account" ADD COLUMN "deleted_at" TIMESTAMPTZ(3);
CREATE INDEX "user_account_deleted_at_idx" ON "user_account"("deleted_at") WHERE "deleted_at" IS NOT NULL;

GRANT SELECT ("deleted_at"), DELETE ON "user_account" TO "holdfast_worker";
