-- name: exists
-- Read whether the table of applied migrations exists, and the table of their checksums (since 0007).
SELECT to_regclass('_yoyo_migration') IS NOT NULL AS has_migrations,
       to_regclass('applied_migrations') IS NOT NULL AS has_checksums

-- name: applied
SELECT migration_id FROM _yoyo_migration ORDER BY migration_id

-- name: checksums
SELECT migration_id, checksum, is_breaking FROM applied_migrations

-- name: record
INSERT INTO applied_migrations (migration_id, checksum, is_breaking)
VALUES (%(migration_id)s, %(checksum)s, %(is_breaking)s)
ON CONFLICT DO NOTHING

-- name: grant_reading
-- Grant the right to read the applied migrations, so that each process can compare the schema with its release.
GRANT SELECT ON _yoyo_migration, applied_migrations TO PUBLIC

-- name: owner
-- Read the owner of the schema, and whether the login may change it.
SELECT pg_get_userbyid(relowner)::text AS owner, pg_has_role(relowner, 'USAGE') AS may_change
FROM pg_class WHERE oid = to_regclass('_yoyo_migration')

-- name: login
SELECT current_user::text AS login, current_database()::text AS database,
       coalesce(current_schema()::text, 'public') AS schema

-- name: may_create
-- Read whether the login may create tables in the first schema of its search path.
SELECT coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false) AS may_create
