-- What a checkpoint names besides its own event: the checkpoint before it, and what an operator has accepted as lost. It has a
-- signature of its own, so that a version that does not know it still finds the first one right.
ALTER TABLE "audit_checkpoint" ADD COLUMN "link" JSONB;
