-- Batches are handed out by tenant, and within a tenant by their place among their user's open batches: what is looked for
-- is found by an index, however much one user owes.

ALTER TABLE batches ADD COLUMN place integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN batches.place IS
    'How many batches of its user were open when it was cut: 0 for a user without a backlog. At least 2 where many users of '
    'its tenant waited.';

-- Whether many users of a tenant wait is seen from a few entries.
CREATE INDEX batches_first_of_tenant ON batches (tenant_id) WHERE state = 'pending' AND place < 2;

-- The step at which an open batch stands. Postgres replaces a call by the expression.
CREATE FUNCTION step_of(state text, embedded_at timestamptz, owes_judgement boolean)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN state = 'pending' THEN 'pending'
            WHEN embedded_at IS NULL THEN 'extracted'
            WHEN owes_judgement THEN 'unjudged' ELSE 'embedded' END;

-- Batches that were not handed out yet, by step: those of users without a backlog first, and the oldest first.
CREATE INDEX batches_fresh_by_place ON batches (
    step_of(state, embedded_at, owes_judgement), tenant_id, place, created_at
) WHERE state IN ('pending', 'extracted') AND hinted_at IS NULL AND paused_until IS NULL;
CREATE INDEX batches_fresh_by_age ON batches (
    step_of(state, embedded_at, owes_judgement), tenant_id, created_at
) WHERE state IN ('pending', 'extracted') AND hinted_at IS NULL AND paused_until IS NULL;
-- Batches whose pause is over.
CREATE INDEX batches_paused ON batches (paused_until) WHERE paused_until IS NOT NULL AND state IN ('pending', 'extracted');

-- A batch whose question is answered is decided on by the same facts, if the memory is still the same: they need not be
-- searched again.
ALTER TABLE judge_questions ADD COLUMN version bigint, ADD COLUMN fact_ids uuid[];
COMMENT ON COLUMN judge_questions.version IS 'The version of the memory for which the question was asked.';
COMMENT ON COLUMN judge_questions.fact_ids IS 'The known facts of the question, most similar first.';
ALTER TABLE judge_questions ALTER COLUMN question DROP NOT NULL;
