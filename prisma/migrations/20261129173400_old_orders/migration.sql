-- Old orders are deleted by the moment they were done.
CREATE INDEX "securing_order_done_at_idx" ON "securing_order"("done_at");
