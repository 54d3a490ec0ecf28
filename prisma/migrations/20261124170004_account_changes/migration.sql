-- Who decides on an account that somebody else has just changed is told who did what. The event of it may not be sealed yet, and a
-- web process may not read the outbox: this gives it the few events about one account that change what operators decide on.

CREATE FUNCTION "outbox_account_changes"("account" uuid) RETURNS TABLE ("event" jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT o."event" FROM public."outbox" o
     WHERE o."event"->>'subject' = account::text
       AND o."event"->>'type' IN ('user_disabled', 'user_enabled', 'privilege_permissions_changed', 'known_devices_forgotten',
                                  'authn_factor_removed')
     ORDER BY o."id" DESC LIMIT 20
$$;
REVOKE ALL ON FUNCTION "outbox_account_changes"(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "outbox_account_changes"(uuid) TO "holdfast_web";
