-- The first schema. Every table but `embedding_spaces` carries tenant and user first in its key, so that it can be
-- partitioned or distributed by them, and so that one policy fits all.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE users (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- Bumped by every writer of this user's memory, and compared in the applying transaction.
    version bigint NOT NULL DEFAULT 0,
    -- The number that the user's next batch gets.
    next_user_seq bigint NOT NULL DEFAULT 1,
    display_name text,
    timezone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE sessions (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    -- The position that the session's next turn gets; the first turn has 1.
    next_position bigint NOT NULL DEFAULT 1,
    -- Turns up to this position belong to a batch.
    cut_through bigint NOT NULL DEFAULT 0,
    uncut_tokens integer NOT NULL DEFAULT 0,
    -- When the oldest turn that belongs to no batch was archived.
    uncut_since timestamptz,
    -- When idle time or age makes a batch of them; null where all turns belong to one.
    cut_due_at timestamptz,
    -- Numbers (user_seq) of the last batch applied, and of the last one in the summary.
    applied_through bigint NOT NULL DEFAULT 0,
    summarized_through bigint NOT NULL DEFAULT 0,
    -- A column, so that the planner has statistics on it: of a comparison of two columns it expects a third to be true.
    owes_summary boolean NOT NULL GENERATED ALWAYS AS (summarized_through < applied_through) STORED,
    summary_hinted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_archived_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, session_id)
);
CREATE INDEX sessions_cut_due ON sessions (cut_due_at) WHERE cut_due_at IS NOT NULL;
CREATE INDEX sessions_summary_owed ON sessions (summary_hinted_at NULLS FIRST) WHERE owes_summary;

CREATE TABLE turns (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    position bigint NOT NULL,
    turn_id text NOT NULL,
    role text NOT NULL,
    name text,
    agent_id text,
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    memories_shown text[] NOT NULL DEFAULT '{}',
    tokens integer NOT NULL,
    -- When it was said; when Redis acknowledged it; when it came here.
    occurred_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    -- When it was taken back; it keeps its position, and is shown to nobody.
    removed_at timestamptz,
    lexemes tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(name, '') || ' ' || content)) STORED,
    PRIMARY KEY (tenant_id, user_id, session_id, position),
    UNIQUE (tenant_id, user_id, session_id, turn_id)
);
CREATE INDEX turns_newest ON turns (tenant_id, user_id, written_at DESC, position DESC);
-- What came lately, for freshness: next to nothing to keep, because turns are only ever added.
CREATE INDEX turns_archived ON turns USING brin (archived_at);

CREATE TABLE batches (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    session_id text NOT NULL,
    -- Its number in its user's order: the order in which batches are applied.
    user_seq bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    tokens integer NOT NULL,
    -- Why it was cut: size, idle, age or flush.
    cut_by text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'extracted', 'applied', 'dead')),
    -- Why it is dead.
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    -- How many calls had ever succeeded when this one last failed: where others succeeded since, an attempt is used up.
    successes_seen bigint,
    paused_until timestamptz,
    -- When it was last enqueued; the sweep enqueues it again when this is long ago.
    hinted_at timestamptz,
    -- Which stored answer counts.
    prompt_version text,
    model text,
    created_at timestamptz NOT NULL DEFAULT now(),
    extracted_at timestamptz,
    embedded_at timestamptz,
    applied_at timestamptz,
    dead_at timestamptz,
    -- When an operator gave up on it for good: it stays dead, and is counted no more.
    discarded_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, batch_id),
    UNIQUE (tenant_id, user_id, user_seq)
);
CREATE INDEX batches_owed ON batches (hinted_at NULLS FIRST) WHERE state IN ('pending', 'extracted');
CREATE INDEX batches_open ON batches (tenant_id, user_id, user_seq) WHERE state IN ('pending', 'extracted');
CREATE INDEX batches_applied ON batches (applied_at) WHERE state = 'applied';
CREATE INDEX batches_dead ON batches (dead_at) WHERE state = 'dead';

-- Who works on what. Deleting one's own lease in the transaction that ends the work is the fence.
CREATE SEQUENCE lease_tokens;
CREATE TABLE leases (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    item text NOT NULL,
    token bigint NOT NULL,
    owner text NOT NULL,
    until timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, kind, item)
);
CREATE INDEX leases_by_token ON leases (token);

-- An answer as it came from the LLM. It is stored before anything is done with it, and never paid for twice. A batch
-- whose answer does not fit is asked for in halves: the whole then has a row without an answer, each half one of its own.
CREATE TABLE answers (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    prompt_version text NOT NULL,
    model text NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    -- 1, or 2 for the repair of an answer that could not be used.
    attempt smallint NOT NULL,
    answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt)
);

CREATE TABLE llm_calls (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    call_id uuid NOT NULL,
    stage text NOT NULL,
    session_id text NOT NULL,
    batch_id uuid,
    model text NOT NULL,
    -- Null until the call has ended; a call that was never ended cost an unknown amount.
    outcome text,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    reserved_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, call_id)
);
CREATE INDEX llm_calls_reserved ON llm_calls USING brin (reserved_at);

CREATE TABLE facts (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    fact_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    session_id text NOT NULL,
    text text NOT NULL,
    category text NOT NULL,
    topics text[] NOT NULL DEFAULT '{}',
    subject text,
    attribute text,
    value text,
    importance real NOT NULL,
    times_seen integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'current' CHECK (status IN ('current', 'superseded', 'retracted')),
    superseded_by uuid,
    -- In the world. `said_valid_to` is what was said; `valid_to` also ends when a newer value begins.
    valid_from timestamptz,
    valid_to timestamptz,
    said_valid_to timestamptz,
    -- When the last turn that says it was said: decides which of two values is the newer one.
    said_at timestamptz NOT NULL,
    -- In our knowledge.
    recorded_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    lexemes tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED,
    PRIMARY KEY (tenant_id, user_id, fact_id)
);
CREATE INDEX facts_superseded_by ON facts (tenant_id, user_id, superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX facts_by_attribute ON facts (tenant_id, user_id, subject, attribute) WHERE attribute IS NOT NULL;

CREATE TABLE evidence (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    fact_id uuid NOT NULL,
    session_id text NOT NULL,
    position bigint NOT NULL,
    quote text NOT NULL,
    batch_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, fact_id, session_id, position, quote)
);

-- Candidates that were not believed, and why.
CREATE TABLE rejections (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    candidate_index integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (tenant_id, user_id, batch_id, candidate_index)
);

CREATE TABLE episodes (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- A batch has one episode at the most, so this is also its id.
    batch_id uuid NOT NULL,
    session_id text NOT NULL,
    user_seq bigint NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    outcome text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    lexemes tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || summary)) STORED,
    PRIMARY KEY (tenant_id, user_id, batch_id)
);

CREATE TABLE summaries (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    text text NOT NULL,
    -- Number (user_seq) of the last batch whose episode is in it.
    through_user_seq bigint NOT NULL,
    prompt_version text NOT NULL,
    model text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id)
);

CREATE TABLE profiles (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    text text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);

-- Users who asked to be forgotten. The row drives the erasure to its end, whatever dies on the way; an archive that
-- read turns before it must not bring them back, which the epoch tells. Who it was is dropped when it is done.
CREATE TABLE erasures (
    owner_hash text NOT NULL,
    epoch bigint NOT NULL,
    tenant_id text,
    user_id text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    -- How much was removed, by table and kind of key. No content.
    removed jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (owner_hash, epoch)
);
CREATE INDEX erasures_open ON erasures (requested_at) WHERE completed_at IS NULL;

-- What happens rarely and must be seen: writes that a fence refused, for example.
CREATE TABLE counters (
    name text PRIMARY KEY,
    count bigint NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL DEFAULT now()
);

-- What operators did to batches: replays, discards, reasons.
CREATE TABLE audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    action text NOT NULL,
    batch_id uuid,
    details jsonb NOT NULL DEFAULT '{}',
    actor text NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_by_user ON audit_log (tenant_id, user_id, happened_at);

-- Which models' vectors exist. New batches go into every space that is not retired; recall reads the serving one.
CREATE TABLE embedding_spaces (
    space_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text NOT NULL,
    model text NOT NULL,
    dimension integer NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'serving', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider, model, dimension)
);
CREATE UNIQUE INDEX embedding_spaces_one_serving ON embedding_spaces (state) WHERE state = 'serving';

-- A vector of one fact (its fact_id), episode (its batch_id) or turn (its "session/position"), in one space.
CREATE TABLE vectors (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    space_id smallint NOT NULL REFERENCES embedding_spaces,
    kind text NOT NULL CHECK (kind IN ('fact', 'episode', 'turn')),
    item text NOT NULL,
    embedding vector NOT NULL,
    PRIMARY KEY (tenant_id, user_id, space_id, kind, item)
);
