-- A repeated import finds people by it, and two accounts never share one.
CREATE UNIQUE INDEX CONCURRENTLY "user_account_external_id_key" ON "user_account"("external_id");
