-- JSON documents that agents keep under a namespace and a key, such as those of LangGraph's store
-- (docs/explanation/decisions/044).

CREATE TABLE documents (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- SHA-256 of namespace and key: both may be longer than an index row.
    document_id bytea NOT NULL CHECK (octet_length(document_id) = 32),
    namespace text[] COLLATE "C" NOT NULL,
    key text NOT NULL,
    -- The beginning of the namespace, its labels joined by periods: what an index row has room for.
    path_start text COLLATE "C" NOT NULL CHECK (length(path_start) <= 256),
    -- The value as it was given: JSON in ASCII.
    value text NOT NULL,
    -- The same value for filters: without what jsonb cannot contain (NUL, lone surrogates, NaN).
    fields jsonb NOT NULL,
    -- The paths whose texts have vectors; null: none.
    index_paths text[],
    -- Which embedder the vectors are of: "space 3" is a row of embedding_spaces, "own 500" an embedder of the caller with
    -- that dimension. They are in this row, because a search compares all vectors below a namespace, and a join would cost
    -- more than the comparison.
    space text,
    embeddings halfvec[],
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ttl_minutes double precision,
    expires_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, document_id)
);
CREATE INDEX documents_by_path ON documents (tenant_id, user_id, path_start);
CREATE INDEX documents_by_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL;

-- What people write is not sampled.
ALTER TABLE documents
    ALTER COLUMN document_id SET STATISTICS 0, ALTER COLUMN namespace SET STATISTICS 0, ALTER COLUMN key SET STATISTICS 0,
    ALTER COLUMN value SET STATISTICS 0, ALTER COLUMN fields SET STATISTICS 0,
    ALTER COLUMN index_paths SET STATISTICS 0, ALTER COLUMN path_start SET STATISTICS 0,
    ALTER COLUMN embeddings SET STATISTICS 0, ALTER COLUMN space SET STATISTICS 0;
-- Vectors cannot be compressed.
ALTER TABLE documents ALTER COLUMN embeddings SET STORAGE EXTERNAL;

-- The reader's role writes this table itself: a put must be found at once, so it does not wait for a worker.
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON documents TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND user_id = current_setting('afterturn.user', true));
CREATE POLICY all_users ON documents TO afterturn_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO afterturn_app, afterturn_worker;
