-- The worker ends sessions, writes down when they were last seen and deletes old ones. It reads no address, browser or data of
-- a session and can't change whose it is, what was proved or its absolute deadline.

REVOKE SELECT, UPDATE ON "session" FROM "holdfast_worker";
GRANT SELECT ("id", "token_hash", "user_id", "created_at", "last_seen_at", "idle_timeout_seconds", "idle_deadline",
              "absolute_deadline", "ended_at", "end_reason", "ending_seq"),
      UPDATE ("last_seen_at", "idle_deadline", "ended_at", "end_reason", "ending_seq") ON "session" TO "holdfast_worker";
-- A worker of the version before deletes by it.
GRANT SELECT (ctid) ON "session" TO "holdfast_worker";
