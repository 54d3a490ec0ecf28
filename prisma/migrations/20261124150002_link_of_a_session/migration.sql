-- The session that a link is about: the one that its owner may say was not theirs.
ALTER TABLE "token" ADD COLUMN "session_id" UUID;
