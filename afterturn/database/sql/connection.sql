-- name: search_path
-- Set the search path to the schemas on the login's path and the schema of pgvector, so that names resolve to the same
-- objects after SET ROLE.
SELECT set_config('search_path', coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '""'), false)
FROM (
    SELECT name::text AS name, place FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, place)
    UNION ALL
    SELECT n.nspname::text, 2147483647
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'vector' AND n.nspname <> ALL (current_schemas(true))
) AS schemas

-- name: backend
-- Read the id of the server process that runs this query.
SELECT pg_backend_pid() AS process_id
