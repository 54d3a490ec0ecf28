-- How many events of which kind an hour holds, and where in the log they stand: for counts and charts over months, and to turn
-- a span of time into a span of seq. Sealing keeps it, in its own transaction.

CREATE TABLE "audit_summary" (
    "hour" TIMESTAMPTZ(0) NOT NULL,
    "type" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "events" BIGINT NOT NULL,
    "first_seq" BIGINT NOT NULL,
    "last_seq" BIGINT NOT NULL,
    CONSTRAINT "audit_summary_pkey" PRIMARY KEY ("hour", "type", "outcome")
);

-- Up to where the summary has counted. A worker of an older version moves the head alone: the next one counts the rest.
ALTER TABLE "audit_head" ADD COLUMN "summary_seq" BIGINT NOT NULL DEFAULT 0;

-- Counts the events from after one seq to another. The outcome is cut as an index can't hold more.
CREATE FUNCTION "audit_summarise"("after_seq" bigint, "to_seq" bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO "audit_summary" AS s ("hour", "type", "outcome", "events", "first_seq", "last_seq")
    SELECT date_trunc('hour', e."occurred_at", 'UTC'), left(e."type", 100), left(e."outcome", 100), count(*), min(e."seq"), max(e."seq")
      FROM "audit_event" e WHERE e."seq" > "after_seq" AND e."seq" <= "to_seq" GROUP BY 1, 2, 3
    ON CONFLICT ("hour", "type", "outcome") DO UPDATE SET
      "events" = s."events" + excluded."events",
      "first_seq" = least(s."first_seq", excluded."first_seq"),
      "last_seq" = greatest(s."last_seq", excluded."last_seq")
$$;

SELECT "seq" FROM "audit_head" FOR UPDATE;
SELECT "audit_summarise"(0, "seq") FROM "audit_head";
UPDATE "audit_head" SET "summary_seq" = "seq";

-- Only ever asked for one id, and hash indexes take a text of any length.
CREATE INDEX "audit_event_request_id_idx" ON "audit_event" USING HASH ("request_id");

GRANT SELECT ON "audit_summary" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ON "audit_summary" TO "holdfast_worker";
