-- name: search_path
-- Every name means the same after SET ROLE: the schemas that the login finds, and the one that pgvector is in.
SELECT set_config('search_path', coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '""'), false)
FROM (
    SELECT name::text AS name, place FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, place)
    UNION ALL
    SELECT n.nspname::text, 2147483647
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'vector' AND n.nspname <> ALL (current_schemas(true))
) AS schemas

-- name: backend
-- The server process that answers.
SELECT pg_backend_pid() AS process_id
