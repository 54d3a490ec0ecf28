-- Where a log-in waits for its second factor from: its owner is told if it waits in vain. Null from a browser that is known.
ALTER TABLE "pending_login" ADD COLUMN "told" JSONB;

-- The browser that made an account, as a hash: a form of it that was sent twice logs in.
ALTER TABLE "user_account" ADD COLUMN "browser_hash" BYTEA;
