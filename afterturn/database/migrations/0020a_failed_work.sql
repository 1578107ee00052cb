-- Summaries and sleeps that failed unexpectedly. Each failure is counted; after the last attempt the row is a dead letter.
CREATE TABLE failed_work (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('summary', 'sleep')),
    -- The session of a summary; 'memory' for sleep.
    item text NOT NULL,
    dead_id uuid NOT NULL DEFAULT gen_random_uuid(),
    reason text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    -- When it is tried again; null where it is dead.
    retry_at timestamptz,
    dead_at timestamptz NOT NULL DEFAULT now(),
    discarded_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, kind, item)
);
CREATE INDEX failed_work_dead ON failed_work (dead_at) WHERE retry_at IS NULL;
ALTER TABLE failed_work ALTER COLUMN reason SET STATISTICS 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON failed_work TO afterturn_worker;
ALTER TABLE failed_work ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON failed_work TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND user_id = current_setting('afterturn.user', true)
);
CREATE POLICY all_users ON failed_work TO afterturn_worker USING (true) WITH CHECK (true);
