-- A user that was merged into another one has no documents of its own any more: nothing is written under the old id
-- (docs/explanation/decisions/059).

-- Whether the transaction's user was merged into another one.
CREATE FUNCTION own_user_is_merged() RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM user_merges
        WHERE tenant_id = current_setting('afterturn.tenant', true)
              AND source_user = current_setting('afterturn.user', true) AND moved_at IS NOT NULL
    );
END
$$;

-- Let an erasure or a merge of the transaction's user wait for this transaction, or wait for it. Writers do not wait for
-- each other. A merged user is refused: it is looked up after the lock is there, in a snapshot of its own.
CREATE FUNCTION lock_own_documents() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(
        current_setting('afterturn.tenant', true), hashtextextended(current_setting('afterturn.user', true), 15)
    ));
    IF own_user_is_merged() THEN
        RAISE EXCEPTION 'the user was merged into another one' USING ERRCODE = 'AT001';
    END IF;
END
$$;

-- Store a document of the transaction's user. The time of an update is later than that of the update before, whatever
-- the clock says. It is a function, because its plan is made once for each connection: planning takes longer than storing.
CREATE FUNCTION put_own_document(
    its_id bytea, its_namespace text[], its_key text, its_path_start text, its_value text, its_fields text,
    its_index_paths text[], its_space text, its_vectors text, its_ttl double precision
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    its_time timestamptz;
BEGIN
    PERFORM lock_own_documents();
    its_time := clock_timestamp();
    INSERT INTO documents AS d (
        tenant_id, user_id, document_id, namespace, key, path_start, value, fields, index_paths, space, embeddings,
        created_at, updated_at, ttl_minutes, expires_at
    ) VALUES (
        current_setting('afterturn.tenant', true), current_setting('afterturn.user', true), its_id, its_namespace,
        its_key, its_path_start, its_value, its_fields::jsonb, its_index_paths, its_space, its_vectors::halfvec[],
        its_time, its_time, its_ttl, its_time + make_interval(secs => its_ttl * 60)
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

-- Its path is its creator's: it may read what the caller may not.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION own_user_is_merged() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END
$$;
REVOKE EXECUTE ON FUNCTION own_user_is_merged(), lock_own_documents(), put_own_document(
    bytea, text[], text, text, text, text, text[], text, text, double precision
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_user_is_merged(), lock_own_documents(), put_own_document(
    bytea, text[], text, text, text, text, text[], text, text, double precision
) TO afterturn_app, afterturn_worker;
