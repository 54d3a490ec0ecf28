-- A Merkle tree over the sealed events (RFC 9162), in tiles of 256 hashes. It follows from the events: the worker builds it for a log
-- that is there already. What it says counts by the roots that checkpoints have signed.

CREATE TABLE "audit_tree" (
    "id" INTEGER NOT NULL,
    "origin" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "first_seq" BIGINT NOT NULL,
    "size" BIGINT NOT NULL,
    CONSTRAINT "audit_tree_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "audit_tree_one" CHECK ("id" = 1)
);

CREATE TABLE "audit_tree_tile" (
    "level" SMALLINT NOT NULL,
    "index" BIGINT NOT NULL,
    "hashes" BYTEA NOT NULL,
    CONSTRAINT "audit_tree_tile_pkey" PRIMARY KEY ("level", "index"),
    CONSTRAINT "audit_tree_tile_hashes" CHECK (length("hashes") BETWEEN 32 AND 8192 AND length("hashes") % 32 = 0)
);
-- Hashes can't be compressed.
ALTER TABLE "audit_tree_tile" ALTER COLUMN "hashes" SET STORAGE EXTERNAL;

GRANT SELECT ON "audit_tree", "audit_tree_tile" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ON "audit_tree" TO "holdfast_worker";
GRANT SELECT, INSERT, UPDATE, DELETE ON "audit_tree_tile" TO "holdfast_worker";

ALTER TABLE "audit_checkpoint" ADD COLUMN "tree" TEXT;

-- What witnesses of others have signed under checkpoints: a line each.
CREATE TABLE "audit_cosignature" (
    "seq" BIGINT NOT NULL,
    "body" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "line" TEXT NOT NULL,
    "kept_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "audit_cosignature_pkey" PRIMARY KEY ("seq", "body", "name")
);

GRANT SELECT ON "audit_cosignature" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ("line") ON "audit_cosignature" TO "holdfast_worker";
