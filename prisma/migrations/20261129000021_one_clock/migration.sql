-- Moments are PostgreSQL's, and those of the row rather than of the transaction's beginning (docs/decisions/0007).
ALTER TABLE "user_account"
    ALTER COLUMN "password_changed_at" SET DEFAULT clock_timestamp(),
    ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "session"
    ALTER COLUMN "created_at" SET DEFAULT clock_timestamp(),
    ALTER COLUMN "last_seen_at" SET DEFAULT clock_timestamp();
ALTER TABLE "outbox" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "token" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "registration" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "mail"
    ALTER COLUMN "created_at" SET DEFAULT clock_timestamp(),
    ALTER COLUMN "due_at" SET DEFAULT clock_timestamp();
ALTER TABLE "known_device"
    ALTER COLUMN "created_at" SET DEFAULT clock_timestamp(),
    ALTER COLUMN "last_used_at" SET DEFAULT clock_timestamp();
ALTER TABLE "totp" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "recovery_code" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "passkey" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "pending_login" ALTER COLUMN "created_at" SET DEFAULT clock_timestamp();
ALTER TABLE "used_challenge" ALTER COLUMN "used_at" SET DEFAULT clock_timestamp();
