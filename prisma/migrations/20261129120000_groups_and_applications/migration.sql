-- Groups of accounts, and the applications that Holdfast stands in front of, with who may enter them.
-- The worker needs none of it.

CREATE TABLE "account_group" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "name_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "account_group_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "account_group_key_of_name" CHECK ("name" COLLATE "C" ~ '^[A-Za-z0-9_-]{1,64}$' AND "name_key" = lower("name" COLLATE "C"))
);
CREATE UNIQUE INDEX "account_group_name_key_key" ON "account_group"("name_key");

CREATE TABLE "group_member" (
    "group_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "group_member_pkey" PRIMARY KEY ("group_id", "user_id")
);
CREATE INDEX "group_member_user_id_idx" ON "group_member"("user_id");
ALTER TABLE "group_member" ADD CONSTRAINT "group_member_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "account_group"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "group_member" ADD CONSTRAINT "group_member_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "application" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "everybody" BOOLEAN NOT NULL DEFAULT false,
    "second_factor" BOOLEAN NOT NULL DEFAULT false,
    "recent_login_seconds" INTEGER,
    "idle_seconds" INTEGER,
    "absolute_seconds" INTEGER,
    "preflight" BOOLEAN NOT NULL DEFAULT false,
    "framed_by" TEXT[] NOT NULL DEFAULT '{}',
    "remote_user" BOOLEAN NOT NULL DEFAULT false,
    "disabled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "version" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "application_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "application_slug_of_a_path" CHECK ("slug" COLLATE "C" ~ '^[a-z0-9-]{1,63}$'),
    CONSTRAINT "application_host_of_url" CHECK ("host" <> '' AND "host" = lower("host" COLLATE "C") AND "url" IN ('https://' || "host", 'http://' || "host")),
    CONSTRAINT "application_limits" CHECK ("recent_login_seconds" > 0 AND "idle_seconds" > 0 AND "absolute_seconds" > 0)
);
CREATE UNIQUE INDEX "application_slug_key" ON "application"("slug");
CREATE UNIQUE INDEX "application_host_key" ON "application"("host");

CREATE TABLE "application_group" (
    "application_id" UUID NOT NULL,
    "group_id" UUID NOT NULL,
    CONSTRAINT "application_group_pkey" PRIMARY KEY ("application_id", "group_id")
);
CREATE INDEX "application_group_group_id_idx" ON "application_group"("group_id");
ALTER TABLE "application_group" ADD CONSTRAINT "application_group_application_id_fkey" FOREIGN KEY ("application_id") REFERENCES "application"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "application_group" ADD CONSTRAINT "application_group_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "account_group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- One row, raised by every change of the tables above, in its transaction and before anything else of it: the lock that makes
-- one change at a time. Whoever lets somebody enter holds it shared, so that no change slips between the look and the session.
CREATE TABLE "application_version" (
    "id" INTEGER NOT NULL,
    "version" BIGINT NOT NULL,
    CONSTRAINT "application_version_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "application_version_single" CHECK ("id" = 1)
);
INSERT INTO "application_version" VALUES (1, 1);

GRANT SELECT, INSERT, DELETE ON "account_group", "group_member", "application_group" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE, DELETE ON "application" TO "holdfast_web";
GRANT SELECT, UPDATE ("version") ON "application_version" TO "holdfast_web";
