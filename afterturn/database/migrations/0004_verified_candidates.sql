-- An answer is verified once, at the end of extraction. What was believed of it is kept here, beside the raw answer, and
-- is read by the stages that follow. Both are dropped together.

ALTER TABLE batches ADD COLUMN verified_at timestamptz;
COMMENT ON COLUMN batches.verified_at IS
    'Equal to extracted_at where the rows in candidates, episode_drafts and rejections belong to this extraction. '
    'Release 0.1 does not set it: its answers are verified again when they are read.';

-- A candidate whose evidence was found. It becomes a fact, or repeats one, when its batch is applied.
CREATE TABLE candidates (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    -- Its place in the answer.
    candidate_index integer NOT NULL,
    -- The id of the fact that it may become.
    fact_id uuid NOT NULL,
    text text NOT NULL,
    category text NOT NULL,
    topics text[] NOT NULL,
    subject text,
    attribute text,
    value text,
    importance double precision NOT NULL,
    valid_from timestamptz,
    valid_to timestamptz,
    -- Whether the speaker takes an earlier statement back as a mistake.
    corrects boolean NOT NULL,
    -- [[position of the turn, quote], …]
    evidence jsonb NOT NULL,
    -- When the last of these turns was said, and by whom: user, assistant or other.
    said_at timestamptz NOT NULL,
    said_by text NOT NULL,
    PRIMARY KEY (tenant_id, user_id, batch_id, candidate_index)
);

-- What happened in a batch, as the answer tells it. It becomes an episode when the batch is applied.
CREATE TABLE episode_drafts (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    outcome text NOT NULL,
    participants text[] NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, batch_id)
);

-- What rules cannot decide on of a batch, as the judge is shown it: the judge stage need not plan the batch again. The
-- row goes when the batch owes no judgement any more.
CREATE TABLE judge_questions (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    question text NOT NULL,
    PRIMARY KEY (tenant_id, user_id, batch_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON candidates, episode_drafts, judge_questions TO afterturn_worker;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['candidates', 'episode_drafts', 'judge_questions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format(
            'CREATE POLICY owner_only ON %I TO afterturn_app USING ('
            'tenant_id = current_setting(''afterturn.tenant'', true) '
            'AND user_id = current_setting(''afterturn.user'', true))',
            table_name);
        EXECUTE format('CREATE POLICY all_users ON %I TO afterturn_worker USING (true) WITH CHECK (true)', table_name);
    END LOOP;
END
$$;

-- No samples of what people said in the planner's statistics (see 0003).
ALTER TABLE candidates
    ALTER COLUMN text SET STATISTICS 0,
    ALTER COLUMN topics SET STATISTICS 0,
    ALTER COLUMN subject SET STATISTICS 0,
    ALTER COLUMN attribute SET STATISTICS 0,
    ALTER COLUMN value SET STATISTICS 0,
    ALTER COLUMN evidence SET STATISTICS 0;
ALTER TABLE episode_drafts
    ALTER COLUMN title SET STATISTICS 0,
    ALTER COLUMN summary SET STATISTICS 0,
    ALTER COLUMN outcome SET STATISTICS 0,
    ALTER COLUMN participants SET STATISTICS 0;
ALTER TABLE judge_questions ALTER COLUMN question SET STATISTICS 0;
