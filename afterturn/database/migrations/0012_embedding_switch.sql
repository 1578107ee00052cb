-- The vectors of another model are built beside those that serve, one user at a time
-- (docs/explanation/decisions/038).

ALTER TABLE embedding_spaces
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN keeps_previous boolean NOT NULL DEFAULT false,
    ADD COLUMN serving_since timestamptz,
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN drop_at timestamptz,
    ADD COLUMN is_dropping boolean NOT NULL DEFAULT false,
    ADD COLUMN dropped_at timestamptz,
    ADD COLUMN problem text,
    ADD COLUMN problem_at timestamptz;
COMMENT ON COLUMN embedding_spaces.generation IS
    'The number of the last change of this space that the vectors of every user must follow.';
COMMENT ON COLUMN embedding_spaces.keeps_previous IS
    'Of a space that is being built: whether the vectors of the present one are kept after the switch.';
COMMENT ON COLUMN embedding_spaces.drop_at IS 'When the vectors of a retired space are deleted; null: not, or done.';
COMMENT ON COLUMN embedding_spaces.problem IS 'Why a worker could not embed in it, the last time; null once one could.';
ALTER TABLE embedding_spaces ALTER COLUMN problem SET STATISTICS 0;

-- Two switches at once are impossible.
CREATE UNIQUE INDEX embedding_spaces_one_building ON embedding_spaces (state) WHERE state = 'building';

-- Workers begin, finish and abort switches.
GRANT INSERT, UPDATE ON embedding_spaces TO afterturn_worker;

CREATE FUNCTION embedding_generation() RETURNS bigint LANGUAGE sql STABLE
RETURN (SELECT coalesce(max(generation), 0) FROM embedding_spaces);

-- A user whose number is lower than the highest generation owes work on the vectors. A new user has no vectors yet.
ALTER TABLE users
    ADD COLUMN vectors_generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN vectors_hinted_at timestamptz;
ALTER TABLE users ALTER COLUMN vectors_generation SET DEFAULT embedding_generation();
CREATE INDEX users_vectors_owed ON users (vectors_generation, vectors_hinted_at NULLS FIRST);
