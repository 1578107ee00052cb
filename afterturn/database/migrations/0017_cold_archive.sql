-- The texts of old turns move to an object store (docs/explanation/decisions/047). The row of the turn stays, without its
-- content, and names the object.

ALTER TABLE turns ADD COLUMN cold_object uuid, ADD COLUMN cold_digest text;
COMMENT ON COLUMN turns.cold_object IS 'The object that has its content; null: the content is here.';
COMMENT ON COLUMN turns.cold_digest IS
    'SHA-256 of that content, in hexadecimal digits: a turn that is written or imported again is compared with it.';
ALTER TABLE turns ALTER COLUMN cold_digest SET STATISTICS 0;

ALTER TABLE users ADD COLUMN cold_due_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN users.cold_due_at IS 'When the user is next looked at for old turns; a restore postpones it.';
CREATE INDEX users_cold_due ON users (cold_due_at);

-- The manifest: each object of the cold archive.
CREATE TABLE cold_objects (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    object_id uuid NOT NULL,
    -- Its name in the store: a hash of the user's ids, and its id.
    key text NOT NULL,
    -- It is written first as `writing`, and is `stored` once no content is in Postgres any more.
    state text NOT NULL DEFAULT 'writing' CHECK (state IN ('writing', 'stored')),
    turns integer NOT NULL,
    -- Of the contents; of the file.
    content_bytes bigint NOT NULL,
    file_bytes bigint NOT NULL,
    -- SHA-256 of the file, in hexadecimal digits.
    digest text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, object_id)
);
CREATE INDEX cold_objects_by_key ON cold_objects (key);

-- Objects that are to be deleted. They belong to nobody: the name contains a hash.
CREATE TABLE cold_deletions (
    key text PRIMARY KEY,
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Until then it is deleted again and again: a paused process may still write it.
    keep_until timestamptz NOT NULL
);
ALTER TABLE cold_objects ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN digest SET STATISTICS 0;
ALTER TABLE cold_deletions ALTER COLUMN key SET STATISTICS 0;
CREATE INDEX cold_deletions_due ON cold_deletions (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON cold_objects, cold_deletions TO afterturn_worker;
GRANT SELECT ON cold_objects TO afterturn_app;
ALTER TABLE cold_objects ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON cold_objects TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND user_id = current_setting('afterturn.user', true)
);
CREATE POLICY all_users ON cold_objects TO afterturn_worker USING (true) WITH CHECK (true);
ALTER TABLE cold_deletions ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_objects ON cold_deletions TO afterturn_worker USING (true) WITH CHECK (true);
