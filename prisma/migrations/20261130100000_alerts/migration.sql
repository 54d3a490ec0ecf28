-- Alerts: what operators set of each rule, what was told, and what waits for the webhook.

-- A rule without a row has its defaults.
CREATE TABLE "alert_rule" (
  "name" TEXT NOT NULL,
  "enabled" BOOLEAN NOT NULL DEFAULT true,
  "operators" BOOLEAN NOT NULL DEFAULT true,
  "addresses" TEXT[] NOT NULL DEFAULT '{}',
  "webhook" BOOLEAN NOT NULL DEFAULT true,
  "version" INTEGER NOT NULL DEFAULT 1,
  CONSTRAINT "alert_rule_pkey" PRIMARY KEY ("name")
);

-- One row a rule and matter within a window; what happens again is counted in it.
CREATE TABLE "alert" (
  "id" UUID NOT NULL,
  "rule" TEXT NOT NULL,
  "about" TEXT NOT NULL,
  "seq" BIGINT,
  "facts" JSONB NOT NULL DEFAULT '{}',
  "count" INTEGER NOT NULL DEFAULT 1,
  "told" INTEGER NOT NULL DEFAULT 1,
  "happened_at" TIMESTAMPTZ(3) NOT NULL,
  "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "closes_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "alert_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "alert_rule_closes_at_idx" ON "alert"("rule", "closes_at");
CREATE INDEX "alert_opened_at_idx" ON "alert"("opened_at");
CREATE INDEX "alert_untold" ON "alert"("closes_at") WHERE "count" > "told";

-- What goes on for a while without being an event of its own.
CREATE TABLE "alert_trouble" (
  "name" TEXT NOT NULL,
  "facts" JSONB NOT NULL DEFAULT '{}',
  "told" BOOLEAN NOT NULL,
  "began_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "ended_at" TIMESTAMPTZ(3),
  CONSTRAINT "alert_trouble_pkey" PRIMARY KEY ("name")
);

-- What waits for the webhook's receiver, and what became of it.
CREATE TABLE "alert_post" (
  "id" UUID NOT NULL,
  "rule" TEXT NOT NULL,
  "body" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "last_error" TEXT,
  "ended_at" TIMESTAMPTZ(3),
  "outcome" TEXT,
  CONSTRAINT "alert_post_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "alert_post_created_at_idx" ON "alert_post"("created_at");
CREATE INDEX "alert_post_waiting" ON "alert_post"("created_at") WHERE "ended_at" IS NULL;

-- Up to which event the rules were applied, and which webhook a worker posts to.
CREATE TABLE "alert_state" (
  "id" SMALLINT NOT NULL DEFAULT 1,
  "seq" BIGINT NOT NULL,
  "webhook" TEXT,
  CONSTRAINT "alert_state_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "alert_state_one" CHECK ("id" = 1)
);
-- Alerts tell of what happens from now on.
INSERT INTO "alert_state" ("seq") SELECT coalesce((SELECT "seq" FROM "audit_head" WHERE "id" = 1), 0);

-- A web process sets rules and reads the rest; only a worker tells.
GRANT SELECT, INSERT, UPDATE ON "alert_rule" TO "holdfast_web";
GRANT SELECT ON "alert", "alert_trouble", "alert_state" TO "holdfast_web";
GRANT SELECT ("id", "rule", "created_at", "due_at", "attempts", "last_error", "ended_at", "outcome") ON "alert_post" TO "holdfast_web";
GRANT SELECT ON "alert_rule" TO "holdfast_worker";
GRANT SELECT, INSERT, UPDATE, DELETE ON "alert", "alert_post" TO "holdfast_worker";
GRANT SELECT, INSERT, UPDATE ON "alert_trouble" TO "holdfast_worker";
GRANT SELECT, UPDATE ON "alert_state" TO "holdfast_worker";
