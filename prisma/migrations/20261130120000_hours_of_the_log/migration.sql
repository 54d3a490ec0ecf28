-- How many events an hour holds by outcome alone: the picture over the whole log reads a row an hour and outcome, not one for each type
-- of event too. It follows from audit_summary by trigger, so that a version which knows nothing of it keeps it as well.

CREATE TABLE "audit_hour" (
    "hour" TIMESTAMPTZ(0) NOT NULL,
    "outcome" TEXT NOT NULL,
    "events" BIGINT NOT NULL,
    CONSTRAINT "audit_hour_pkey" PRIMARY KEY ("hour", "outcome")
);
GRANT SELECT ON "audit_hour" TO "holdfast_web", "holdfast_worker";

-- With the rights of the owner: who seals writes here by no other way.
CREATE FUNCTION "audit_hour_follow"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.audit_hour AS h (hour, outcome, events)
        SELECT n.hour, n.outcome, sum(n.events) FROM after_it n GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (hour, outcome) DO UPDATE SET events = h.events + excluded.events;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO public.audit_hour AS h (hour, outcome, events)
        SELECT c.hour, c.outcome, sum(c.events)
          FROM (SELECT n.hour, n.outcome, n.events FROM after_it n
                UNION ALL SELECT o.hour, o.outcome, -o.events FROM before_it o) AS c
         GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (hour, outcome) DO UPDATE SET events = h.events + excluded.events;
    ELSE
        UPDATE public.audit_hour h SET events = h.events - gone.events
          FROM (SELECT o.hour, o.outcome, sum(o.events) AS events FROM before_it o GROUP BY 1, 2) AS gone
         WHERE h.hour = gone.hour AND h.outcome = gone.outcome;
        DELETE FROM public.audit_hour h USING (SELECT DISTINCT o.hour, o.outcome FROM before_it o) AS gone
         WHERE h.hour = gone.hour AND h.outcome = gone.outcome AND h.events <= 0;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "audit_hour_follow"() FROM PUBLIC;

CREATE TRIGGER "audit_hour_after_insert" AFTER INSERT ON "audit_summary"
    REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION "audit_hour_follow"();
CREATE TRIGGER "audit_hour_after_update" AFTER UPDATE ON "audit_summary"
    REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION "audit_hour_follow"();
CREATE TRIGGER "audit_hour_after_delete" AFTER DELETE ON "audit_summary"
    REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION "audit_hour_follow"();

INSERT INTO "audit_hour" ("hour", "outcome", "events")
SELECT "hour", "outcome", sum("events") FROM "audit_summary" GROUP BY 1, 2;
