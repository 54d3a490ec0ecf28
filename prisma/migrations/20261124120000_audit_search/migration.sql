-- For each block of events by number, the details that stand in it: each once, lower case, as a page shows them. The worker
-- writes it after sealing; a search looks here first, and only then at events. It holds no address, browser or account.
CREATE TABLE "audit_text" (
    "first_seq" BIGINT NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "details" TEXT NOT NULL,
    CONSTRAINT "audit_text_pkey" PRIMARY KEY ("first_seq")
);

GRANT SELECT ON "audit_text" TO "holdfast_web";
GRANT SELECT, INSERT, DELETE ON "audit_text" TO "holdfast_worker";
