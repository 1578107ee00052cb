-- A user becomes part of another one, such as an anonymous visitor who signs in (docs/explanation/decisions/048).
--
-- The table belongs to two users. No column is called user_id, by which export and forget find the rows of one user:
-- they find these by their names.

CREATE TABLE user_merges (
    tenant_id text NOT NULL,
    source_user text NOT NULL,
    merge_id uuid NOT NULL DEFAULT gen_random_uuid(),
    -- As it was requested.
    target_user text NOT NULL,
    -- Where the turns go that are still written for the source: the target, or what that became part of since.
    current_target text NOT NULL,
    -- Sessions of the source that have another id now, because the target had one with the same id: {"old": "new"}.
    sessions jsonb NOT NULL DEFAULT '{}',
    requested_at timestamptz NOT NULL DEFAULT now(),
    -- When the rows were moved; from then on turns that are written for the source are archived for the target.
    moved_at timestamptz,
    -- When the keys of the source were removed from Redis.
    completed_at timestamptz,
    -- How much was moved, by kind. No content.
    moved jsonb NOT NULL DEFAULT '{}',
    hinted_at timestamptz,
    PRIMARY KEY (tenant_id, source_user),
    CHECK (source_user <> target_user AND source_user <> current_target)
);
CREATE INDEX user_merges_by_target ON user_merges (tenant_id, current_target);
CREATE INDEX user_merges_open ON user_merges (hinted_at NULLS FIRST) WHERE completed_at IS NULL;
ALTER TABLE user_merges
    ALTER COLUMN source_user SET STATISTICS 0, ALTER COLUMN target_user SET STATISTICS 0,
    ALTER COLUMN current_target SET STATISTICS 0, ALTER COLUMN sessions SET STATISTICS 0,
    ALTER COLUMN moved SET STATISTICS 0;

ALTER TABLE user_merges ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_merges ON user_merges TO afterturn_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON user_merges TO afterturn_worker;

-- An archive that read the aliases before a merge must not create the source again: it is refused, and reads them again.
-- It runs after the insert: in each statement a function sees what is committed by then.
CREATE FUNCTION refuse_merged_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM user_merges
        WHERE tenant_id = NEW.tenant_id AND source_user = NEW.user_id AND moved_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the user was merged into another one meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refuse_merged_user AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse_merged_user();

-- The files of a source name its sessions as they were.
ALTER TABLE cold_objects ADD COLUMN renamed_sessions jsonb NOT NULL DEFAULT '{}';
ALTER TABLE cold_objects ALTER COLUMN renamed_sessions SET STATISTICS 0;
