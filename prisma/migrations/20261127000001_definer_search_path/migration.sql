-- Who can make temporary objects could give one the name of a type that a function of the owner uses: a temporary schema that a
-- search_path does not name is searched first. So it is named, last, and nobody but the owner makes temporary objects here.

ALTER FUNCTION "audit_ensure_partitions"(integer) SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "audit_drop_month"(timestamp) SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "audit_erase_person"(uuid) SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "throttle_waiting"() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "session_needs_second_factor"() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "outbox_waiting"() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "outbox_account_changes"(uuid) SET search_path = pg_catalog, public, pg_temp;
-- A trigger's own: it runs for whoever makes the change, with that one's search_path.
ALTER FUNCTION "audit_event_refuse_change"() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION "audit_checkpoint_refuse_change"() SET search_path = pg_catalog, public, pg_temp;

DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- Persons are erased by whoever deletes the account: the web process and the command line.
REVOKE EXECUTE ON FUNCTION "audit_erase_person"(uuid) FROM "holdfast_worker";
