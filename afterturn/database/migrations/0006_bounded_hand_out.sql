-- Work is handed out a little at a time, in the order that the sweep chooses: what it looks for is found by an index,
-- however much else is owed.

-- By step: a backlog at one step is not read in the search at another.
DROP INDEX batches_owed;
CREATE INDEX batches_owed ON batches (
    (CASE WHEN state = 'pending' THEN 'pending'
          WHEN embedded_at IS NULL THEN 'extracted'
          WHEN owes_judgement THEN 'unjudged' ELSE 'embedded' END),
    hinted_at
) WHERE state IN ('pending', 'extracted');

-- How many batches of imports are open is counted before each cut of imports.
CREATE INDEX batches_open_imports ON batches (paused_until)
    WHERE state IN ('pending', 'extracted') AND cut_by = 'import';

ALTER TABLE erasures ADD COLUMN hinted_at timestamptz;
COMMENT ON COLUMN erasures.hinted_at IS
    'When it was last handed out; the sweep hands it out again when this is long ago.';
DROP INDEX erasures_open;
CREATE INDEX erasures_open ON erasures (hinted_at NULLS FIRST) WHERE completed_at IS NULL;
