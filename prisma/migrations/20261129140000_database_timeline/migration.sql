-- In which history this PostgreSQL writes: its timeline, which a promotion raises, and so does a recovery to a point in time.
-- Null where the server does not tell it. A standby, which may lag behind, is refused.
CREATE FUNCTION "database_timeline"() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this PostgreSQL is a standby' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8);
EXCEPTION
  WHEN read_only_sql_transaction THEN RAISE;
  WHEN OTHERS THEN RETURN NULL;
END $$;

-- Which database of which cluster this is: one that was loaded from a dump is another, whatever its timeline.
CREATE FUNCTION "database_lineage"() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  cluster text;
BEGIN
  BEGIN
    SELECT system_identifier::text INTO cluster FROM pg_catalog.pg_control_system();
  EXCEPTION
    WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN cluster := NULL;
  END;
  RETURN pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    pg_catalog.concat(cluster, '/', (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())),
    'UTF8')), 'hex'), 8);
END $$;
