-- When somebody logged in last, for the list of people. The worker takes it from the sealed log, in order and each event once: a
-- log-in writes nothing more for it. Until the first pass is through, people who logged in before have null.
ALTER TABLE "user_account" ADD COLUMN "last_login_at" TIMESTAMPTZ(3);

-- One row: up to which event it is noted.
CREATE TABLE "noted_log_ins" (
    "id" INTEGER PRIMARY KEY CHECK ("id" = 1),
    "seq" BIGINT NOT NULL
);
INSERT INTO "noted_log_ins" VALUES (1, 0);

GRANT SELECT, UPDATE ("seq") ON "noted_log_ins" TO "holdfast_worker";
GRANT SELECT ("last_login_at"), UPDATE ("last_login_at") ON "user_account" TO "holdfast_worker";
