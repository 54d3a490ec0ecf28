-- Known browsers have tries of their own at a code. Those that were last used before their account had a second factor became known by
-- a password alone: they are strangers again, as they are from now on wherever a first factor is added.
UPDATE "known_device" SET "revoked_at" = now()
  FROM (SELECT "user_id", min("created_at") AS "since"
          FROM (SELECT "user_id", "created_at" FROM "totp" UNION ALL SELECT "user_id", "created_at" FROM "passkey") AS "factor"
         GROUP BY "user_id") AS "first"
 WHERE "known_device"."user_id" = "first"."user_id" AND "revoked_at" IS NULL AND "last_used_at" < "first"."since";
