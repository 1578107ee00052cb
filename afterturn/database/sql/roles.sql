-- name: missing
-- Read which roles do not exist.
SELECT name FROM unnest(%(roles)s::text[]) AS name WHERE to_regrole(name) IS NULL

-- name: not_settable
-- Read which roles the login may not set. In PostgreSQL 16 and newer, membership alone is not enough.
SELECT name FROM unnest(%(roles)s::text[]) AS name WHERE NOT pg_has_role(name, %(privilege)s)

-- name: not_usable
-- Read which schemas a role may not use: the schema of the tables, or the schema of pgvector.
SELECT role.name AS role, n.nspname AS schema
FROM unnest(%(roles)s::text[]) AS role (name)
CROSS JOIN pg_namespace AS n
WHERE (
        n.oid = (SELECT extnamespace FROM pg_extension WHERE extname = 'vector')
        OR n.oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('turns'))
    )
  AND NOT has_schema_privilege(role.name, n.oid, 'USAGE')

-- name: trial
-- Run a query that fails if the role lacks a privilege, or does not find the tables or pgvector.
SELECT t.turn_id, v.embedding <#> '[1]'::halfvec FROM turns AS t, vectors AS v LIMIT 0
