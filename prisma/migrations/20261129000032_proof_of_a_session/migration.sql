-- A session that takes another's place is as old as that one: only a log-in, a reauthentication and a change of the password prove
-- anew who somebody is. Null: when it began.
ALTER TABLE "session" ADD COLUMN "proved_at" TIMESTAMPTZ(3);

-- Whether somebody has ever logged in is a fact of the account: its sessions are deleted after a month. The youngest accounts have a
-- session if anybody ever logged in; of older ones nothing may be left, and what is not known counts as a log-in.
ALTER TABLE "user_account" ADD COLUMN "first_login_at" TIMESTAMPTZ(3);
UPDATE "user_account" SET "first_login_at" = "created_at"
 WHERE "created_at" < now() - interval '30 days' OR EXISTS (SELECT FROM "session" WHERE "user_id" = "user_account"."id");
