-- Before the first release, 0001 to 0003 were changed while databases already had them: what was applied there is an
-- older form, without columns and tables that the code reads. This brings every such form to the last one. It stands
-- before 0003, because later migrations build on it; in all other databases it changes nothing.

DO $$
DECLARE
    table_name text;
BEGIN
    -- The last form is known by its last column.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('facts') AND attname = 'is_by_rules') THEN
        RETURN;
    END IF;

    CREATE OR REPLACE FUNCTION stems_of(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('english', said);
    CREATE OR REPLACE FUNCTION stem_codes(said text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(
            string_agg(
                decode(repeat(left(md5(w.lexeme), 8), least(cardinality(w.positions), 8)), 'hex'), ''::bytea
            ), ''
        )
        FROM unnest(stems_of(said)) AS w
    );

    CREATE TABLE IF NOT EXISTS judgements (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        input_digest text NOT NULL,
        prompt_version text NOT NULL,
        model text NOT NULL,
        batch_id uuid,
        answer text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, user_id, input_digest)
    );

    CREATE TABLE IF NOT EXISTS imported_runs (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        session_id text NOT NULL,
        first_position bigint NOT NULL,
        last_position bigint NOT NULL,
        tokens bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        grown_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, user_id, session_id, first_position)
    );

    CREATE TABLE IF NOT EXISTS digests (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        session_id text NOT NULL,
        level smallint NOT NULL,
        first_user_seq bigint NOT NULL,
        last_user_seq bigint NOT NULL,
        statements jsonb,
        prompt_version text,
        model text,
        is_folded boolean NOT NULL DEFAULT false,
        made_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, user_id, session_id, level, first_user_seq)
    );

    CREATE TABLE IF NOT EXISTS erasures (
        owner_hash text NOT NULL,
        epoch bigint NOT NULL,
        tenant_id text,
        user_id text,
        requested_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz,
        removed jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (owner_hash, epoch)
    );

    CREATE TABLE IF NOT EXISTS counters (
        name text PRIMARY KEY,
        count bigint NOT NULL DEFAULT 0,
        last_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE IF NOT EXISTS audit_log (
        audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        action text NOT NULL,
        batch_id uuid,
        details jsonb NOT NULL DEFAULT '{}',
        actor text NOT NULL,
        happened_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE IF NOT EXISTS memory_indexes (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        build bigint NOT NULL,
        space_id smallint,
        read_at timestamptz NOT NULL,
        turns integer NOT NULL,
        sessions text[] NOT NULL,
        session_sizes bytea NOT NULL,
        speakers text[] NOT NULL,
        positions bytea NOT NULL,
        stems bytea NOT NULL,
        traits bytea NOT NULL,
        speaker bytea NOT NULL,
        months bytea NOT NULL,
        fact_ids bytea NOT NULL,
        evidence_facts bytea NOT NULL,
        evidence_turns bytea NOT NULL,
        alone bytea NOT NULL,
        spread_of_turns bytea NOT NULL,
        spread_of_facts bytea NOT NULL,
        PRIMARY KEY (tenant_id, user_id)
    );

    CREATE TABLE IF NOT EXISTS index_postings (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        build bigint NOT NULL,
        stem bytea NOT NULL,
        places bytea NOT NULL,
        counts bytea NOT NULL,
        PRIMARY KEY (tenant_id, user_id, build, stem)
    );

    CREATE TABLE IF NOT EXISTS index_cells (
        tenant_id text NOT NULL,
        user_id text NOT NULL,
        build bigint NOT NULL,
        cell integer NOT NULL,
        centre halfvec,
        places bytea NOT NULL,
        embeddings halfvec[] NOT NULL,
        PRIMARY KEY (tenant_id, user_id, build, cell)
    );

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

    ALTER TABLE users
        ADD COLUMN IF NOT EXISTS slept_version bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS slept_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN IF NOT EXISTS slept_through timestamptz,
        ADD COLUMN IF NOT EXISTS sleep_hinted_at timestamptz,
        ADD COLUMN IF NOT EXISTS indexed_user_seq bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS index_hinted_at timestamptz;
    ALTER TABLE users
        ADD COLUMN IF NOT EXISTS owes_sleep boolean NOT NULL GENERATED ALWAYS AS (slept_version <> version) STORED,
        ADD COLUMN IF NOT EXISTS owes_index boolean NOT NULL GENERATED ALWAYS AS (
            next_user_seq - indexed_user_seq > greatest(100, indexed_user_seq / 25)
        ) STORED;
    CREATE INDEX IF NOT EXISTS users_sleep_owed ON users (slept_at) WHERE owes_sleep;
    CREATE INDEX IF NOT EXISTS users_index_owed ON users (index_hinted_at NULLS FIRST) WHERE owes_index;

    ALTER TABLE sessions ADD COLUMN IF NOT EXISTS owes_summary boolean NOT NULL
        GENERATED ALWAYS AS (summarized_through < applied_through) STORED;
    DROP INDEX IF EXISTS sessions_summary_owed;
    CREATE INDEX sessions_summary_owed ON sessions (summary_hinted_at NULLS FIRST) WHERE owes_summary;

    ALTER TABLE turns
        DROP COLUMN IF EXISTS lexemes,
        ADD COLUMN IF NOT EXISTS removed_at timestamptz,
        ADD COLUMN IF NOT EXISTS stems bytea
            GENERATED ALWAYS AS (stem_codes(coalesce(name, '') || ' ' || content)) STORED;
    DROP INDEX IF EXISTS turns_newest;
    CREATE INDEX turns_newest ON turns (tenant_id, user_id, occurred_at DESC, position DESC);
    CREATE INDEX IF NOT EXISTS turns_archived ON turns USING brin (archived_at);

    ALTER TABLE batches
        ADD COLUMN IF NOT EXISTS successes_seen bigint,
        ADD COLUMN IF NOT EXISTS paused_budget bigint,
        ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'conversation' CHECK (kind IN ('conversation', 'manual')),
        ADD COLUMN IF NOT EXISTS owes_judgement boolean NOT NULL DEFAULT false,
        ADD COLUMN IF NOT EXISTS dead_at timestamptz,
        ADD COLUMN IF NOT EXISTS discarded_at timestamptz;

    CREATE INDEX IF NOT EXISTS batches_over_budget ON batches (paused_budget)
        WHERE paused_budget IS NOT NULL AND state IN ('pending', 'extracted');
    CREATE INDEX IF NOT EXISTS batches_applied ON batches (applied_at) WHERE state = 'applied';
    CREATE INDEX IF NOT EXISTS batches_dead ON batches (dead_at) WHERE state = 'dead';

    -- The first form had one answer for a batch, which was never asked for in parts.
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('answers') AND attname = 'attempt') THEN
        ALTER TABLE answers
            DROP CONSTRAINT answers_pkey,
            ADD COLUMN first_position bigint,
            ADD COLUMN last_position bigint,
            ADD COLUMN attempt smallint,
            ALTER COLUMN answer DROP NOT NULL;
        UPDATE answers AS a SET first_position = b.first_position, last_position = b.last_position, attempt = 1
        FROM batches AS b
        WHERE b.tenant_id = a.tenant_id AND b.user_id = a.user_id AND b.batch_id = a.batch_id;
        DELETE FROM answers WHERE attempt IS NULL;
        ALTER TABLE answers
            ADD PRIMARY KEY
                (tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt);
    END IF;

    ALTER TABLE llm_calls
        ALTER COLUMN session_id DROP NOT NULL,
        ADD COLUMN IF NOT EXISTS reserved_tokens integer NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS cached_tokens integer NOT NULL DEFAULT 0;
    CREATE INDEX IF NOT EXISTS llm_calls_reserved ON llm_calls USING brin (reserved_at);
    CREATE INDEX IF NOT EXISTS llm_calls_by_user ON llm_calls (tenant_id, user_id, reserved_at);

    ALTER TABLE facts DROP COLUMN IF EXISTS lexemes;
    ALTER TABLE facts
        ADD COLUMN IF NOT EXISTS ended_because text,
        ADD COLUMN IF NOT EXISTS origin text NOT NULL DEFAULT 'extracted' CHECK (origin IN ('extracted', 'person')),
        ADD COLUMN IF NOT EXISTS said_by text NOT NULL DEFAULT 'user' CHECK (said_by IN ('user', 'assistant', 'other')),
        ADD COLUMN IF NOT EXISTS is_pinned boolean NOT NULL DEFAULT false,
        ADD COLUMN IF NOT EXISTS is_by_rules boolean NOT NULL DEFAULT false,
        ADD COLUMN IF NOT EXISTS said_valid_to timestamptz,
        ADD COLUMN IF NOT EXISTS first_said_at timestamptz,
        ADD COLUMN lexemes tsvector GENERATED ALWAYS AS (stems_of(text)) STORED,
        ADD COLUMN IF NOT EXISTS stems bytea GENERATED ALWAYS AS (stem_codes(text)) STORED;
    CREATE INDEX IF NOT EXISTS facts_current ON facts (tenant_id, user_id) WHERE status = 'current';
    CREATE INDEX IF NOT EXISTS facts_recorded ON facts (tenant_id, user_id, recorded_at);

    ALTER TABLE episodes
        DROP COLUMN IF EXISTS lexemes,
        ADD COLUMN IF NOT EXISTS participants text[] NOT NULL DEFAULT '{}',
        ADD COLUMN IF NOT EXISTS stems bytea GENERATED ALWAYS AS (stem_codes(title || ' ' || summary)) STORED;
    CREATE INDEX IF NOT EXISTS episodes_by_session ON episodes (tenant_id, user_id, session_id, user_seq);

    ALTER TABLE summaries
        DROP COLUMN IF EXISTS prompt_version,
        DROP COLUMN IF EXISTS model,
        ADD COLUMN IF NOT EXISTS statements jsonb NOT NULL DEFAULT '[]';
    ALTER TABLE profiles ADD COLUMN IF NOT EXISTS fact_ids uuid[] NOT NULL DEFAULT '{}';
    ALTER TABLE vectors ALTER COLUMN embedding TYPE halfvec USING embedding::halfvec;
    ALTER TABLE vectors ALTER COLUMN embedding SET STORAGE MAIN;

    CREATE INDEX IF NOT EXISTS imported_runs_oldest ON imported_runs (created_at);
    CREATE INDEX IF NOT EXISTS digests_open ON digests (tenant_id, user_id, session_id) WHERE NOT is_folded;
    CREATE INDEX IF NOT EXISTS erasures_open ON erasures (requested_at) WHERE completed_at IS NULL;
    CREATE INDEX IF NOT EXISTS audit_log_by_user ON audit_log (tenant_id, user_id, happened_at);

    GRANT SELECT, INSERT, UPDATE, DELETE ON
        judgements, imported_runs, digests, erasures, counters, audit_log, memory_indexes, index_postings, index_cells
    TO afterturn_worker;
    GRANT SELECT ON llm_calls, memory_indexes, index_postings, index_cells TO afterturn_app;
    FOREACH table_name IN ARRAY ARRAY[
        'judgements', 'imported_runs', 'digests', 'erasures', 'audit_log', 'memory_indexes', 'index_postings',
        'index_cells'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('DROP POLICY IF EXISTS owner_only ON %I', table_name);
        EXECUTE format('DROP POLICY IF EXISTS all_users ON %I', table_name);
        EXECUTE format(
            'CREATE POLICY owner_only ON %I TO afterturn_app USING ('
            'tenant_id = current_setting(''afterturn.tenant'', true) '
            'AND user_id = current_setting(''afterturn.user'', true))',
            table_name);
        EXECUTE format('CREATE POLICY all_users ON %I TO afterturn_worker USING (true) WITH CHECK (true)', table_name);
    END LOOP;
END
$$;

-- The columns of 0003 that have no statistics, in each form of it.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT a.attrelid::regclass AS table_name, a.attname AS column_name
        FROM (VALUES
            ('users', ARRAY['display_name']),
            ('turns', ARRAY['name', 'content', 'metadata', 'memories_shown', 'stems']),
            ('batches', ARRAY['reason']),
            ('answers', ARRAY['answer']),
            ('judgements', ARRAY['answer']),
            ('facts', ARRAY['text', 'topics', 'subject', 'attribute', 'value', 'lexemes', 'stems']),
            ('evidence', ARRAY['quote']),
            ('rejections', ARRAY['reason']),
            ('episodes', ARRAY['title', 'summary', 'outcome', 'participants', 'stems']),
            ('summaries', ARRAY['text', 'statements']),
            ('digests', ARRAY['statements']),
            ('profiles', ARRAY['text']),
            ('audit_log', ARRAY['details']),
            ('vectors', ARRAY['embedding']),
            ('memory_indexes', ARRAY[
                'sessions', 'session_sizes', 'speakers', 'positions', 'stems', 'traits', 'speaker',
                'months', 'fact_ids', 'evidence_facts', 'evidence_turns', 'alone', 'spread_of_turns', 'spread_of_facts'
            ]),
            ('index_postings', ARRAY['stem', 'places', 'counts']),
            ('index_cells', ARRAY['centre', 'embeddings', 'places'])
        ) AS content (table_name, column_names)
        JOIN pg_attribute AS a
            ON a.attrelid = to_regclass(content.table_name) AND a.attname = ANY (content.column_names)
        WHERE NOT a.attisdropped AND a.attstattarget IS DISTINCT FROM 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', found.table_name, found.column_name);
    END LOOP;
END
$$;
