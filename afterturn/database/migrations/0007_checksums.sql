-- Which migrations were applied in which form. An applied migration never changes; where a file differs from what was
-- applied, the next migration is refused. Belongs to no user.

CREATE TABLE applied_migrations (
    migration_id text PRIMARY KEY,
    -- SHA-256 of the file.
    checksum text NOT NULL,
    -- Whether releases without this migration do not work with the schema that it makes.
    is_breaking boolean NOT NULL
);
