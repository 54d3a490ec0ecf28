-- Whoever takes an account back takes back what was set up since somebody else logged in. A session that took another's place goes
-- back to that one's log-in, and a link remembers the log-in behind what it undoes: the session's row may be gone by then.

-- Null: it began with a log-in itself.
ALTER TABLE "session" ADD COLUMN "logged_in_at" TIMESTAMPTZ(3);
ALTER TABLE "token" ADD COLUMN "since" TIMESTAMPTZ(3);
