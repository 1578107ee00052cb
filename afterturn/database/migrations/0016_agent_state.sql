-- Agent state: versioned JSON documents, and the fences of locks (docs/explanation/decisions/046).

CREATE TABLE agent_states (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- What the document belongs to below its user: the user, one session, one agent, or one task (its checkpoint).
    scope text NOT NULL CHECK (scope IN ('user', 'session', 'agent', 'task')),
    -- The id of the session, agent or task; empty for the user.
    owner_id text NOT NULL,
    key text NOT NULL,
    -- It only grows, also through deletions.
    version bigint NOT NULL CHECK (version > 0),
    -- The JSON text as it was written, in ASCII: jsonb would refuse \u0000 and change numbers. Null: deleted.
    document text,
    -- The largest fence of a lock with which it was written; 0: none.
    fence bigint NOT NULL DEFAULT 0,
    -- The id of the call that wrote this version.
    put_id text NOT NULL,
    expires_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, user_id, scope, owner_id, key)
);
-- What a clean-up looks at: documents that expire, and deleted ones.
CREATE INDEX agent_states_expiring ON agent_states (expires_at) WHERE expires_at IS NOT NULL AND document IS NOT NULL;
CREATE INDEX agent_states_deleted ON agent_states (updated_at) WHERE document IS NULL;
ALTER TABLE agent_states
    ALTER COLUMN scope SET STATISTICS 0, ALTER COLUMN owner_id SET STATISTICS 0, ALTER COLUMN key SET STATISTICS 0,
    ALTER COLUMN document SET STATISTICS 0, ALTER COLUMN put_id SET STATISTICS 0;

-- Fences come from here, not from Redis: a counter in Redis goes back when Redis loses data.
CREATE SEQUENCE agent_fences;

ALTER TABLE agent_states ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON agent_states TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND user_id = current_setting('afterturn.user', true)
);
CREATE POLICY all_users ON agent_states TO afterturn_worker USING (true) WITH CHECK (true);
GRANT SELECT ON agent_states TO afterturn_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON agent_states TO afterturn_worker;
GRANT USAGE ON SEQUENCE agent_fences TO afterturn_app, afterturn_worker;

-- The number of erasures of the transaction's user that were requested and completed, as erasures.sql reads it.
CREATE FUNCTION own_erasure_epoch() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT coalesce(max(2 * epoch + (completed_at IS NOT NULL)::int), 0)::bigint FROM erasures
    WHERE owner_hash = encode(sha256(
        convert_to(current_setting('afterturn.tenant', true), 'UTF8') || '\x00'::bytea
        || convert_to(current_setting('afterturn.user', true), 'UTF8')
    ), 'hex')
$$;

-- Store a version of a document of the transaction's user, unless a newer one is stored. False, and nothing is stored,
-- if an erasure of the user was requested since `known_epoch` was read. The reader's role may write a state in no other
-- way. The user's row is locked so that an erasure waits, and archives do not.
CREATE FUNCTION store_own_state(
    its_scope text, its_owner_id text, its_key text, its_version bigint, its_document text, its_fence bigint,
    its_put_id text, its_ttl_seconds double precision, known_epoch bigint
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    its_tenant text := nullif(current_setting('afterturn.tenant', true), '');
    its_user text := nullif(current_setting('afterturn.user', true), '');
    is_known boolean;
BEGIN
    IF its_tenant IS NULL OR its_user IS NULL THEN
        RAISE EXCEPTION 'the transaction names no user';
    END IF;
    LOOP
        PERFORM FROM users WHERE tenant_id = its_tenant AND user_id = its_user FOR KEY SHARE;
        is_known := FOUND;
        IF own_erasure_epoch() <> known_epoch THEN
            RETURN false;
        END IF;
        EXIT WHEN is_known;
        INSERT INTO users (tenant_id, user_id) VALUES (its_tenant, its_user) ON CONFLICT DO NOTHING;
    END LOOP;
    INSERT INTO agent_states AS s (
        tenant_id, user_id, scope, owner_id, key, version, document, fence, put_id, expires_at
    ) VALUES (
        its_tenant, its_user, its_scope, its_owner_id, its_key, its_version, its_document, its_fence, its_put_id,
        clock_timestamp() + make_interval(secs => its_ttl_seconds)
    )
    ON CONFLICT (tenant_id, user_id, scope, owner_id, key) DO UPDATE SET
        version = excluded.version, document = excluded.document, fence = excluded.fence, put_id = excluded.put_id,
        expires_at = excluded.expires_at, updated_at = excluded.updated_at
    WHERE s.version < excluded.version;
    RETURN true;
END
$$;

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'own_erasure_epoch()',
        'store_own_state(text, text, text, bigint, text, bigint, text, double precision, bigint)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', signature, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO afterturn_app, afterturn_worker', signature);
    END LOOP;
END
$$;
