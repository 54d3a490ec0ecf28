-- What an export claims of itself, and the manifest that the worker signs once it has read the log again. The web process has no
-- key and writes no answer. The worker forgets both after an hour.

CREATE TABLE "export_manifest" (
    "id" UUID NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "asked" JSONB NOT NULL,
    "answer" JSONB,
    CONSTRAINT "export_manifest_pkey" PRIMARY KEY ("id")
);

GRANT SELECT, INSERT ("id", "asked") ON "export_manifest" TO "holdfast_web";
GRANT SELECT, INSERT ("id", "asked"), UPDATE ("answer"), DELETE ON "export_manifest" TO "holdfast_worker";
