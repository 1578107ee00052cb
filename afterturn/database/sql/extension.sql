-- name: installed
-- Read the version of pgvector in this database, its schema, the login, and whether the login may use the schema.
SELECT e.extversion::text AS version, n.nspname::text AS schema, current_user::text AS login,
       has_schema_privilege(n.oid, 'USAGE') AS is_usable
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'vector'

-- name: offered
-- Read the version of pgvector that the server can install.
SELECT default_version::text AS version FROM pg_available_extensions WHERE name = 'vector'
