-- The first schema. Every table but `embedding_spaces` carries tenant and user first in its key, so that it can be
-- partitioned or distributed by them, and so that one policy fits all.

CREATE EXTENSION IF NOT EXISTS vector;

-- The stems of a text, in the language that the memory is kept in.
CREATE FUNCTION stems_of(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('english', said);

-- The same as recall reads them, without parsing: four bytes for each stem, again for each time that it stands there.
CREATE FUNCTION stem_codes(said text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(
        string_agg(decode(repeat(left(md5(w.lexeme), 8), least(cardinality(w.positions), 8)), 'hex'), ''::bytea), ''
    )
    FROM unnest(stems_of(said)) AS w
);

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
    -- The memory's version when all of it was last consolidated, when that was, and up to which recorded_at its facts
    -- were put to the judge.
    slept_version bigint NOT NULL DEFAULT 0,
    slept_at timestamptz NOT NULL DEFAULT now(),
    slept_through timestamptz,
    owes_sleep boolean NOT NULL GENERATED ALWAYS AS (slept_version <> version) STORED,
    sleep_hinted_at timestamptz,
    -- The number that the next batch had when it was last seen whether the memory needs an index, and was given one.
    -- It is looked at again after a hundred batches, or a twenty-fifth more of them, whichever is later.
    indexed_user_seq bigint NOT NULL DEFAULT 0,
    owes_index boolean NOT NULL GENERATED ALWAYS AS (
        next_user_seq - indexed_user_seq > greatest(100, indexed_user_seq / 25)
    ) STORED,
    index_hinted_at timestamptz,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX users_sleep_owed ON users (slept_at) WHERE owes_sleep;
CREATE INDEX users_index_owed ON users (index_hinted_at NULLS FIRST) WHERE owes_index;

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
    stems bytea GENERATED ALWAYS AS (stem_codes(coalesce(name, '') || ' ' || content)) STORED,
    PRIMARY KEY (tenant_id, user_id, session_id, position),
    UNIQUE (tenant_id, user_id, session_id, turn_id)
);
CREATE INDEX turns_newest ON turns (tenant_id, user_id, occurred_at DESC, position DESC);
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
    -- Why it was cut: size, due (by idle time or age), flush, edit or import.
    cut_by text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'extracted', 'applied', 'dead')),
    -- Why it is dead.
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    -- How many calls had ever succeeded when this one last failed: where others succeeded since, an attempt is used up.
    successes_seen bigint,
    paused_until timestamptz,
    -- Where its user's tokens of the day paused it: how many these were. When they are more, it goes on.
    paused_budget bigint,
    -- When it was last enqueued; the sweep enqueues it again when this is long ago.
    hinted_at timestamptz,
    -- What its answer comes from: a conversation that was extracted, or a person's edit, whose answer is stored with it.
    kind text NOT NULL DEFAULT 'conversation' CHECK (kind IN ('conversation', 'manual')),
    -- Which stored answer counts.
    prompt_version text,
    model text,
    -- Rules could not decide on all of its candidates: a judging call is owed before it can be applied.
    owes_judgement boolean NOT NULL DEFAULT false,
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
CREATE INDEX batches_over_budget ON batches (paused_budget)
    WHERE paused_budget IS NOT NULL AND state IN ('pending', 'extracted');
CREATE INDEX batches_applied ON batches (applied_at) WHERE state = 'applied';
CREATE INDEX batches_dead ON batches (dead_at) WHERE state = 'dead';

-- Turns of old conversations that belong to no batch yet: runs of consecutive positions of a session. They are cut a few
-- batches at a time, while nothing newer is owed. The session's `cut_through` is beyond them.
CREATE TABLE imported_runs (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    tokens bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When turns were last added: what does not fill a batch waits for more, for as long as a session may be idle.
    grown_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id, first_position)
);
CREATE INDEX imported_runs_oldest ON imported_runs (created_at);

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

-- What a judging call answered, by the digest of what it was shown: the same question is never paid for twice.
CREATE TABLE judgements (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    input_digest text NOT NULL,
    prompt_version text NOT NULL,
    model text NOT NULL,
    -- The batch that it was asked for; null where a scheduled consolidation asked.
    batch_id uuid,
    answer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, input_digest)
);

CREATE TABLE llm_calls (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    call_id uuid NOT NULL,
    stage text NOT NULL,
    -- Null where the work is about no session, or no batch.
    session_id text,
    batch_id uuid,
    model text NOT NULL,
    -- Null until the call has ended; a call that was never ended cost an unknown amount.
    outcome text,
    -- What it may come to: the prompt, estimated, and the longest answer. Counts until the call has ended.
    reserved_tokens integer NOT NULL DEFAULT 0,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    -- How many of the prompt's tokens the provider had cached.
    cached_tokens integer NOT NULL DEFAULT 0,
    reserved_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, user_id, call_id)
);
CREATE INDEX llm_calls_reserved ON llm_calls USING brin (reserved_at);
-- What a user's calls of the day came to, before each call that a budget limits.
CREATE INDEX llm_calls_by_user ON llm_calls (tenant_id, user_id, reserved_at);

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
    -- Why it is no longer current: newer_value, correction, judged, merged, expired, person, challenge (a person's word
    -- stands against it), removed (its turn was taken back) or deleted. Null while it is current.
    ended_because text,
    -- Whose word it is: what extraction believed of a conversation, or what a person entered. The latter beats the former.
    origin text NOT NULL DEFAULT 'extracted' CHECK (origin IN ('extracted', 'person')),
    -- Whose turns it rests on: user, assistant (it promised or recommended something) or other.
    said_by text NOT NULL DEFAULT 'user' CHECK (said_by IN ('user', 'assistant', 'other')),
    is_pinned boolean NOT NULL DEFAULT false,
    -- Found by rules, without a model: they take what they can read, and not what is worth remembering.
    is_by_rules boolean NOT NULL DEFAULT false,
    -- In the world. `said_valid_to` is what was said; `valid_to` also ends when a newer value begins.
    valid_from timestamptz,
    valid_to timestamptz,
    said_valid_to timestamptz,
    -- When the last turn that says it was said: decides which of two values is the newer one.
    said_at timestamptz NOT NULL,
    -- When the first one was; null while that is the same.
    first_said_at timestamptz,
    -- In our knowledge.
    recorded_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    lexemes tsvector GENERATED ALWAYS AS (stems_of(text)) STORED,
    stems bytea GENERATED ALWAYS AS (stem_codes(text)) STORED,
    PRIMARY KEY (tenant_id, user_id, fact_id)
);
CREATE INDEX facts_current ON facts (tenant_id, user_id) WHERE status = 'current';
-- What came after a large memory was indexed.
CREATE INDEX facts_recorded ON facts (tenant_id, user_id, recorded_at);
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

-- What was not believed of an answer, and why: a candidate, or only its dates or a secret in it.
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
    participants text[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    stems bytea GENERATED ALWAYS AS (stem_codes(title || ' ' || summary)) STORED,
    PRIMARY KEY (tenant_id, user_id, batch_id)
);
CREATE INDEX episodes_by_session ON episodes (tenant_id, user_id, session_id, user_seq);

CREATE TABLE summaries (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    text text NOT NULL,
    -- What the text consists of, in its order: [{"text": …, "episode_ids": […]}].
    statements jsonb NOT NULL DEFAULT '[]',
    -- Number (user_seq) of the last batch whose episode is in it.
    through_user_seq bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id)
);

-- A stretch of a session in few statements: of level 0 made from episodes, of each higher level from digests of the one
-- below. What it covers never changes; what it says is made again when one of its episodes was taken back.
CREATE TABLE digests (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    session_id text NOT NULL,
    level smallint NOT NULL,
    -- Numbers (user_seq) of the first and last batch whose episodes it covers.
    first_user_seq bigint NOT NULL,
    last_user_seq bigint NOT NULL,
    -- As in summaries; null while they must be made again.
    statements jsonb,
    -- Who made them.
    prompt_version text,
    model text,
    -- A digest of the next level covers it.
    is_folded boolean NOT NULL DEFAULT false,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id, level, first_user_seq)
);
CREATE INDEX digests_open ON digests (tenant_id, user_id, session_id) WHERE NOT is_folded;

CREATE TABLE profiles (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    text text NOT NULL,
    -- The facts behind its lines, in their order.
    fact_ids uuid[] NOT NULL DEFAULT '{}',
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
    -- In half precision: half the pages to read, and the same ranking (docs/decisions/008).
    embedding halfvec NOT NULL,
    PRIMARY KEY (tenant_id, user_id, space_id, kind, item)
);
-- In the row itself wherever it fits: recall reads all of a user's.
ALTER TABLE vectors ALTER COLUMN embedding SET STORAGE MAIN;

-- A large memory is indexed (docs/decisions/015), and what came since is read beside the index. It is made anew, never
-- changed, and dropped when a turn is taken back. Columns of numbers, little-endian, one per document: turns in the
-- order of their sessions and positions, then facts that rest on no turn.
CREATE TABLE memory_indexes (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- Grows with each index that is made: tells the rows of this one from those of the one before.
    build bigint NOT NULL,
    -- Whose vectors its cells hold; null where the memory had none.
    space_id smallint,
    -- When its documents were read.
    read_at timestamptz NOT NULL,
    -- How many of the documents are turns.
    turns integer NOT NULL,
    -- Sessions in their order, and how many turns each has.
    sessions text[] NOT NULL,
    session_sizes bytea NOT NULL,
    speakers text[] NOT NULL,
    positions bytea NOT NULL,
    stems bytea NOT NULL,
    -- Bits: a user speaks; it names a time.
    traits bytea NOT NULL,
    speaker bytea NOT NULL,
    -- Months since 1970.
    months bytea NOT NULL,
    fact_ids bytea NOT NULL,
    -- Per piece of evidence: the place of the fact, and that of the turn.
    evidence_facts bytea NOT NULL,
    evidence_turns bytea NOT NULL,
    -- Of the documents behind the turns: the places of the facts.
    alone bytea NOT NULL,
    -- How the vectors of turns and facts are spread: mean and main directions.
    spread_of_turns bytea NOT NULL,
    spread_of_facts bytea NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

-- In which documents of an indexed memory a stem stands, and how often.
CREATE TABLE index_postings (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    build bigint NOT NULL,
    stem bytea NOT NULL,
    places bytea NOT NULL,
    counts bytea NOT NULL,
    PRIMARY KEY (tenant_id, user_id, build, stem)
);

-- The vectors of an indexed memory by what they are near to: a cell for each centre, and one without, a sample of all.
CREATE TABLE index_cells (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    build bigint NOT NULL,
    cell integer NOT NULL,
    centre halfvec,
    -- Whose vectors: places of documents, then (behind the last of them) places of facts.
    places bytea NOT NULL,
    embeddings halfvec[] NOT NULL,
    PRIMARY KEY (tenant_id, user_id, build, cell)
);
-- Numbers do not become smaller by compression, and are read as a whole.
ALTER TABLE memory_indexes
    ALTER COLUMN positions SET STORAGE EXTERNAL, ALTER COLUMN stems SET STORAGE EXTERNAL,
    ALTER COLUMN traits SET STORAGE EXTERNAL, ALTER COLUMN speaker SET STORAGE EXTERNAL,
    ALTER COLUMN months SET STORAGE EXTERNAL, ALTER COLUMN fact_ids SET STORAGE EXTERNAL,
    ALTER COLUMN evidence_facts SET STORAGE EXTERNAL, ALTER COLUMN evidence_turns SET STORAGE EXTERNAL,
    ALTER COLUMN spread_of_turns SET STORAGE EXTERNAL, ALTER COLUMN spread_of_facts SET STORAGE EXTERNAL;
ALTER TABLE index_postings ALTER COLUMN places SET STORAGE EXTERNAL, ALTER COLUMN counts SET STORAGE EXTERNAL;
ALTER TABLE index_cells
    ALTER COLUMN places SET STORAGE EXTERNAL, ALTER COLUMN embeddings SET STORAGE EXTERNAL,
    ALTER COLUMN centre SET STORAGE MAIN;
