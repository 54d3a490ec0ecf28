-- When operators ended everybody's sessions. A session that began before the newest row counts no more from that moment on;
-- the worker then ends the rows one batch after another.

CREATE TABLE "everybody_ended" (
    "id" UUID NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL,
    "actor_id" UUID,
    "kept_session_id" UUID,
    "reason" TEXT NOT NULL,
    "ended" BIGINT NOT NULL DEFAULT 0,
    "done_at" TIMESTAMPTZ(3),
    CONSTRAINT "everybody_ended_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "everybody_ended_asked_at_idx" ON "everybody_ended"("asked_at");

GRANT SELECT, INSERT ON "everybody_ended" TO "holdfast_web";
-- The command does the worker's part with the rights of a web process.
GRANT UPDATE ("ended", "done_at") ON "everybody_ended" TO "holdfast_web";
GRANT SELECT, UPDATE ON "everybody_ended" TO "holdfast_worker";
