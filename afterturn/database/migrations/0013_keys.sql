-- Keys of the API, and the log of who used the rights of an administrator (docs/explanation/decisions/040).
--
-- Neither table belongs to a user: a row may name one, and forgetting that user removes the name. So no column is called
-- user_id, by which export and forget find the rows that belong to a user.

CREATE TABLE api_keys (
    key_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    -- SHA-256 of the key. The key itself is stored nowhere.
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    -- The beginning of the key, by which people tell keys apart.
    prefix text NOT NULL,
    label text,
    -- Which users: every one; those whose ids begin with `users[1]`; those in `users`, which may be none.
    audience text NOT NULL CHECK (audience IN ('every_user', 'user_prefix', 'users')),
    users text[] NOT NULL DEFAULT '{}',
    rights text[] NOT NULL CHECK (rights <> '{}' AND rights <@ ARRAY['read', 'write', 'admin']),
    -- Requests per minute; null: AFTERTURN_API_REQUESTS_PER_MINUTE.
    requests_per_minute integer CHECK (requests_per_minute > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    rotated_from uuid REFERENCES api_keys,
    CHECK (audience <> 'every_user' OR users = '{}'),
    CHECK (audience <> 'user_prefix' OR cardinality(users) = 1)
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, created_at);
CREATE INDEX api_keys_by_prefix ON api_keys (prefix);
-- A key has one successor: two rotations at once give one new key.
CREATE UNIQUE INDEX api_keys_one_successor ON api_keys (rotated_from) WHERE revoked_at IS NULL;

-- Who did what with the rights of an administrator. No content.
CREATE TABLE access_log (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at timestamptz NOT NULL DEFAULT now(),
    -- key: a key's id; token: the subject of a JWT; owner: AFTERTURN_API_KEY; system: a user of the operating system;
    -- open: a request that needed no credential.
    actor_kind text NOT NULL CHECK (actor_kind IN ('key', 'token', 'owner', 'system', 'open')),
    actor text,
    -- Where the request came from; null for a command.
    address text,
    action text NOT NULL,
    tenant_id text NOT NULL,
    -- Whose memory. Once the user is forgotten, the owner hash stands in its place.
    about_user text,
    owner_hash text,
    -- Which key was changed.
    key_id uuid,
    -- Numbers and fixed words.
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX access_log_by_time ON access_log (tenant_id, happened_at);
CREATE INDEX access_log_about ON access_log (tenant_id, about_user) WHERE about_user IS NOT NULL;

-- What people write is not sampled.
ALTER TABLE api_keys
    ALTER COLUMN label SET STATISTICS 0, ALTER COLUMN users SET STATISTICS 0, ALTER COLUMN digest SET STATISTICS 0,
    ALTER COLUMN prefix SET STATISTICS 0, ALTER COLUMN audience SET STATISTICS 0, ALTER COLUMN rights SET STATISTICS 0;
ALTER TABLE access_log
    ALTER COLUMN actor SET STATISTICS 0, ALTER COLUMN about_user SET STATISTICS 0, ALTER COLUMN details SET STATISTICS 0,
    ALTER COLUMN address SET STATISTICS 0, ALTER COLUMN actor_kind SET STATISTICS 0;

-- Commands manage keys as the worker. The reader's role has no right to the tables: it cannot list keys, whatever
-- statement it runs.
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_keys ON api_keys TO afterturn_worker USING (true) WITH CHECK (true);
CREATE POLICY all_entries ON access_log TO afterturn_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys, access_log TO afterturn_worker;

-- The reader's role must find a key before it knows the tenant. It does so by functions that run as the owner of the
-- tables: who knows the digest of a key gets that one row. Their search path is fixed, and temporary tables come last.
DO $$
DECLARE
    path text := format('SET search_path = pg_catalog, %I, pg_temp', current_schema());
    signature text;
BEGIN
    EXECUTE 'CREATE FUNCTION find_api_key(bytea) RETURNS TABLE ('
        'key_id uuid, digest bytea, tenant_id text, audience text, users text[], rights text[], '
        'requests_per_minute integer, is_revoked boolean, expires_in_seconds double precision, is_touch_due boolean'
        ') LANGUAGE sql STABLE SECURITY DEFINER ' || path || ' AS '
        '''SELECT k.key_id, k.digest, k.tenant_id, k.audience, k.users, k.rights, k.requests_per_minute, '
        'k.revoked_at IS NOT NULL, extract(epoch FROM k.expires_at - clock_timestamp())::double precision, '
        'k.last_used_at IS NULL OR k.last_used_at < clock_timestamp() - interval ''''1 minute'''' '
        'FROM api_keys AS k WHERE k.digest = $1''';
    EXECUTE 'CREATE FUNCTION touch_api_key(uuid) RETURNS void LANGUAGE sql SECURITY DEFINER ' || path || ' AS '
        '''UPDATE api_keys SET last_used_at = clock_timestamp() WHERE key_id = $1 '
        'AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval ''''1 minute'''')''';
    EXECUTE 'CREATE FUNCTION has_api_keys() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER ' || path || ' AS '
        '''SELECT EXISTS (SELECT FROM api_keys)''';
    FOREACH signature IN ARRAY ARRAY['find_api_key(bytea)', 'touch_api_key(uuid)', 'has_api_keys()'] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO afterturn_app, afterturn_worker', signature);
    END LOOP;
END
$$;
