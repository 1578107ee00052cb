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
    summary_hinted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_archived_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, session_id)
);
CREATE INDEX sessions_cut_due ON sessions (cut_due_at) WHERE cut_due_at IS NOT NULL;
CREATE INDEX sessions_summary_owed ON sessions (summary_hinted_at NULLS FIRST)
    WHERE summarized_through < applied_through;

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
    lexemes tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(name, '') || ' ' || content)) STORED,
    PRIMARY KEY (tenant_id, user_id, session_id, position),
    UNIQUE (tenant_id, user_id, session_id, turn_id)
);
CREATE INDEX turns_newest ON turns (tenant_id, user_id, written_at DESC, position DESC);

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
    PRIMARY KEY (tenant_id, user_id, batch_id),
    UNIQUE (tenant_id, user_id, user_seq)
);
CREATE INDEX batches_owed ON batches (hinted_at NULLS FIRST) WHERE state IN ('pending', 'extracted');
CREATE INDEX batches_open ON batches (tenant_id, user_id, user_seq) WHERE state IN ('pending', 'extracted');

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

-- An answer as it came from the LLM. It is stored before anything is done with it, and never paid for twice.
CREATE TABLE answers (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    prompt_version text NOT NULL,
    model text NOT NULL,
    answer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, batch_id, prompt_version, model)
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
    -- In the world.
    valid_from timestamptz,
    valid_to timestamptz,
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
