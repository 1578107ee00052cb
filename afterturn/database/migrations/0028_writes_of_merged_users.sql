-- A user that was merged into another one has no documents of its own any more: nothing is written under the old id
-- (docs/explanation/decisions/059).

-- The reader's role sees whether the transaction's user was merged, and not into whom.
GRANT SELECT (tenant_id, source_user, moved_at) ON user_merges TO afterturn_app;
CREATE POLICY own_merge ON user_merges FOR SELECT TO afterturn_app USING (
    tenant_id = current_setting('afterturn.tenant', true) AND source_user = current_setting('afterturn.user', true));

-- Let an erasure or a merge of the transaction's user wait for this transaction, or wait for it. Writers do not wait for
-- each other. A merged user is refused: it is looked up after the lock is there, in a snapshot of its own.
CREATE FUNCTION lock_own_documents() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(
        current_setting('afterturn.tenant', true), hashtextextended(current_setting('afterturn.user', true), 15)
    ));
    PERFORM FROM user_merges
    WHERE tenant_id = current_setting('afterturn.tenant', true)
          AND source_user = current_setting('afterturn.user', true) AND moved_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'the user was merged into another one' USING ERRCODE = 'AT001';
    END IF;
END
$$;

-- Store a document. It becomes the transaction's user, under row-level security like every statement. The time of an
-- update is later than that of the update before, whatever the clock says. It is a function, because its plans are made
-- once for each connection: planning takes longer than storing.
CREATE FUNCTION put_document(
    its_tenant text, its_user text, its_id bytea, its_namespace text[], its_key text, its_path_start text,
    its_value text, its_fields text, its_index_paths text[], its_space text, its_vectors text, its_ttl double precision
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    its_time timestamptz;
BEGIN
    PERFORM set_config('afterturn.tenant', its_tenant, true), set_config('afterturn.user', its_user, true);
    PERFORM lock_own_documents();
    its_time := clock_timestamp();
    INSERT INTO documents AS d (
        tenant_id, user_id, document_id, namespace, key, path_start, value, fields, index_paths, space, embeddings,
        created_at, updated_at, ttl_minutes, expires_at
    ) VALUES (
        its_tenant, its_user, its_id, its_namespace, its_key, its_path_start, its_value, its_fields::jsonb,
        its_index_paths, its_space, its_vectors::halfvec[], its_time, its_time, its_ttl,
        its_time + make_interval(secs => its_ttl * 60)
    )
    ON CONFLICT (tenant_id, user_id, document_id) DO UPDATE SET
        value = excluded.value,
        fields = excluded.fields,
        index_paths = excluded.index_paths,
        space = excluded.space,
        embeddings = excluded.embeddings,
        updated_at = greatest(excluded.updated_at, d.updated_at + interval '1 microsecond'),
        ttl_minutes = excluded.ttl_minutes,
        expires_at = excluded.expires_at;
END
$$;

REVOKE EXECUTE ON FUNCTION lock_own_documents(), put_document(
    text, text, bytea, text[], text, text, text, text, text[], text, text, double precision
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_own_documents(), put_document(
    text, text, bytea, text[], text, text, text, text, text[], text, text, double precision
) TO afterturn_app, afterturn_worker;
