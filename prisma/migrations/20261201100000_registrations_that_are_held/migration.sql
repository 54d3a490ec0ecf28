-- The worker's cleanup leaves a registration that somebody holds to the next time (FOR UPDATE SKIP LOCKED). PostgreSQL asks
-- for the right to update some column of it; what a worker could do by this one, it can do by the link.
GRANT UPDATE ("expires_at") ON "registration" TO "holdfast_worker";
