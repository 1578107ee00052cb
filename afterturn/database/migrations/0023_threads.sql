-- Threads: the dated development of one matter, with its present state, derived from facts
-- (docs/explanation/decisions/053).

CREATE TABLE threads (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- Derived from the oldest fact of the matter.
    thread_id uuid NOT NULL,
    -- Of the facts of the matter: while they are the same, nothing is written again. Empty: to be written again.
    input_digest text NOT NULL,
    title text NOT NULL,
    -- Oldest first: [{"text": …, "day": "2023-04-03"}]. Empty where the facts tell of no development: not shown.
    steps jsonb NOT NULL DEFAULT '[]',
    -- How it stands now, in the form of a step; null where it is not known.
    state jsonb,
    -- Since when its oldest fact holds, and when the last one was said.
    started_at timestamptz NOT NULL,
    last_said_at timestamptz NOT NULL,
    -- Who wrote it: a prompt or rules.
    prompt_version text NOT NULL,
    model text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, thread_id)
);

-- Which facts each step rests on.
CREATE TABLE thread_facts (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    thread_id uuid NOT NULL,
    -- From 1, in the order of threads.steps; 0: the present state.
    step smallint NOT NULL,
    fact_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, thread_id, step, fact_id)
);
CREATE INDEX thread_facts_by_fact ON thread_facts (tenant_id, user_id, fact_id);

-- Answers that are not used yet: deleted in the transaction that stores their threads.
CREATE TABLE thread_answers (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- Of the prompt's version, the model and the question.
    input_digest text NOT NULL,
    -- The facts that were shown: without one of them, the answer is void.
    fact_ids uuid[] NOT NULL,
    -- Empty where the model refused: rules write the threads.
    answer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, input_digest)
);

-- What people said is not sampled.
ALTER TABLE threads
    ALTER COLUMN title SET STATISTICS 0, ALTER COLUMN steps SET STATISTICS 0, ALTER COLUMN state SET STATISTICS 0;
ALTER TABLE thread_answers ALTER COLUMN answer SET STATISTICS 0;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['threads', 'thread_facts', 'thread_answers'] LOOP
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
GRANT SELECT, INSERT, UPDATE, DELETE ON threads, thread_facts, thread_answers TO afterturn_worker;
GRANT SELECT ON threads, thread_facts TO afterturn_app;
