-- The few mails that failed among the many that were sent, for the overview.
CREATE INDEX "mail_failed" ON "mail"("ended_at") WHERE "outcome" = 'failed';
