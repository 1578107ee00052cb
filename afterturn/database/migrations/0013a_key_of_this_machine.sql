-- `afterturn up` makes a key for programs of this machine that insist on one (afterturn/access/keys.py: MACHINE_LABEL).
-- It does not end the time in which requests of this machine need no key: only a key that somebody made on purpose does.

DO $$
DECLARE
    path text := format('SET search_path = pg_catalog, %I, pg_temp', current_schema());
BEGIN
    EXECUTE 'CREATE OR REPLACE FUNCTION has_api_keys() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER ' || path
        || ' AS ''SELECT EXISTS (SELECT FROM api_keys WHERE label IS DISTINCT FROM ''''afterturn up'''')''';
END
$$;
