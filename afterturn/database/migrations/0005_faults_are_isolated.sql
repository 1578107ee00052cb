-- What cannot be stored, read or embedded is set aside by itself, and no text of any length is part of a key
-- (docs/explanation/decisions/027).

-- A text search vector takes one megabyte at the most. A fact never comes near that; its text is bounded at the doors.
CREATE OR REPLACE FUNCTION stems_of(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('english', left(said, 65000));

-- A turn may be longer. It is halved until each piece has at most 65,000 characters: four bytes each, and at most four
-- times as much in the vector. A word at a seam is read as two.
CREATE OR REPLACE FUNCTION stem_codes(said text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(said) <= 65000 THEN (
    SELECT coalesce(
        string_agg(decode(repeat(left(md5(w.lexeme), 8), least(cardinality(w.positions), 8)), 'hex'), ''::bytea), ''
    )
    FROM unnest(stems_of(said)) AS w
) ELSE (
    WITH RECURSIVE pieces (piece) AS (
        SELECT said
        UNION ALL
        SELECT half.piece
        FROM pieces AS whole,
             LATERAL (VALUES
                 (left(whole.piece, char_length(whole.piece) / 2)),
                 (substr(whole.piece, char_length(whole.piece) / 2 + 1))
             ) AS half (piece)
        WHERE char_length(whole.piece) > 65000
    ),
    stems AS (
        SELECT w.lexeme, sum(cardinality(w.positions)) AS times
        FROM pieces, unnest(stems_of(pieces.piece)) AS w
        WHERE char_length(pieces.piece) <= 65000
        GROUP BY w.lexeme
    )
    SELECT coalesce(string_agg(decode(repeat(left(md5(lexeme), 8), least(times, 8)::integer), 'hex'), ''::bytea), '')
    FROM stems
) END;

-- A quote may be as long as a turn: its digest is part of the key.
ALTER TABLE evidence ADD COLUMN quote_digest text NOT NULL GENERATED ALWAYS AS (md5(quote)) STORED;
ALTER TABLE evidence ALTER COLUMN quote_digest SET STATISTICS 0;
ALTER TABLE evidence DROP CONSTRAINT evidence_pkey;
ALTER TABLE evidence ADD PRIMARY KEY (tenant_id, user_id, fact_id, session_id, position, quote_digest);

-- Subjects and attributes come from a model. No query looks for a subject, and attributes are bounded at the doors.
DROP INDEX facts_by_attribute;
CREATE INDEX facts_by_attribute ON facts (tenant_id, user_id, attribute) WHERE attribute IS NOT NULL;

-- Answers to pieces of one turn that is too long for the model. A row without an answer: it is asked for in two halves.
CREATE TABLE answer_pieces (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    prompt_version text NOT NULL,
    model text NOT NULL,
    -- The turn.
    position bigint NOT NULL,
    -- Which piece of it: empty for all of it, then 0 or 1 for each time that a piece was halved.
    piece text NOT NULL,
    attempt smallint NOT NULL,
    answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, batch_id, prompt_version, model, position, piece, attempt)
);
ALTER TABLE answer_pieces
    ALTER COLUMN piece SET STATISTICS 0,
    ALTER COLUMN answer SET STATISTICS 0;

-- Entries of pending streams that Postgres cannot archive. Each is kept as it was written, and can be replayed.
CREATE TABLE dead_entries (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    dead_id uuid NOT NULL,
    session_id text NOT NULL,
    -- Of a turn: its id.
    entry_id text NOT NULL,
    payload bytea NOT NULL,
    reason text NOT NULL,
    dead_at timestamptz NOT NULL DEFAULT now(),
    discarded_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, dead_id)
);
CREATE INDEX dead_entries_newest ON dead_entries (dead_at);
ALTER TABLE dead_entries
    ALTER COLUMN entry_id SET STATISTICS 0,
    ALTER COLUMN payload SET STATISTICS 0,
    ALTER COLUMN reason SET STATISTICS 0;

-- Facts, episodes and turns whose text the embedder refused while it embedded others. They are found by their words.
CREATE TABLE missing_vectors (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    space_id smallint NOT NULL REFERENCES embedding_spaces,
    kind text NOT NULL CHECK (kind IN ('fact', 'episode', 'turn')),
    item text NOT NULL,
    dead_id uuid NOT NULL DEFAULT gen_random_uuid(),
    batch_id uuid NOT NULL,
    session_id text NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    -- When it is tried again; null where it is dead.
    retry_at timestamptz,
    dead_at timestamptz NOT NULL DEFAULT now(),
    discarded_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, space_id, kind, item)
);
CREATE INDEX missing_vectors_owed ON missing_vectors (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX missing_vectors_dead ON missing_vectors (dead_at) WHERE retry_at IS NULL;
ALTER TABLE missing_vectors ALTER COLUMN reason SET STATISTICS 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON answer_pieces, dead_entries, missing_vectors TO afterturn_worker;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['answer_pieces', 'dead_entries', 'missing_vectors'] LOOP
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
