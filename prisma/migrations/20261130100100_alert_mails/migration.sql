-- What the console's page of alerts counts.
CREATE INDEX CONCURRENTLY "mail_alerts" ON "mail"("created_at") WHERE "template" = 'alert';
