-- Clears of sessions (docs/explanation/decisions/043): the history of a session begins after the last one. The turns
-- before it stay: facts rest on them, and recall finds them.

CREATE TABLE session_clears (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    -- The id of the entry that asked for it: an entry that is archived twice has one row.
    mark_id text NOT NULL,
    -- The last position that it hides; 0 if the session had no turn.
    position bigint NOT NULL,
    cleared_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id, mark_id)
);
CREATE INDEX session_clears_last ON session_clears (tenant_id, user_id, session_id, position);

ALTER TABLE session_clears ALTER COLUMN mark_id SET STATISTICS 0;

ALTER TABLE session_clears ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON session_clears TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND user_id = current_setting('afterturn.user', true)
);
CREATE POLICY all_users ON session_clears TO afterturn_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON session_clears TO afterturn_worker;
GRANT SELECT ON session_clears TO afterturn_app;
