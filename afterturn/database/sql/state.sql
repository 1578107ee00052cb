-- name: read
-- Read a document of the transaction's user, deleted ones included, and the user's erasures. Always one row.
SELECT own_erasure_epoch() AS epoch, EXISTS (
           SELECT FROM user_merges
           WHERE tenant_id = %(tenant_id)s AND source_user = %(user_id)s AND moved_at IS NOT NULL
       ) AS is_merged, coalesce(s.version, 0) AS version, s.document, coalesce(s.fence, 0) AS fence,
       coalesce(s.put_id, '-') AS put_id, (extract(epoch FROM s.updated_at) * 1000)::bigint AS updated_ms,
       s.expires_at <= clock_timestamp() AS is_expired,
       (extract(epoch FROM s.expires_at - clock_timestamp()) * 1000)::bigint AS ttl_ms
FROM (SELECT) AS one
LEFT JOIN agent_states AS s ON s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s
     AND s.scope = %(scope)s AND s.owner_id = %(owner_id)s AND s.key = %(key)s

-- name: store
-- Store a version of a document, unless a newer one is stored or the user was forgotten.
SELECT store_own_state(
    %(scope)s, %(owner_id)s, %(key)s, %(version)s, %(document)s, %(fence)s, %(put_id)s, %(ttl_seconds)s, %(epoch)s
) AS is_stored

-- name: list
-- List a user's documents of one owner by key, without their values.
SELECT key, version, updated_at, expires_at
FROM agent_states
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND scope = %(scope)s AND owner_id = %(owner_id)s
      AND document IS NOT NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
      AND starts_with(key, %(prefix)s) AND key COLLATE "C" > %(after)s
ORDER BY key COLLATE "C" LIMIT %(limit)s

-- name: mint_fence
-- Return a number larger than all before.
SELECT nextval('agent_fences') AS fence, EXISTS (
           SELECT FROM user_merges
           WHERE tenant_id = %(tenant_id)s AND source_user = %(user_id)s AND moved_at IS NOT NULL
       ) AS is_merged

-- name: archive
-- Store a version of a document from the pending stream, unless this version or a newer one is stored.
INSERT INTO agent_states AS s (
    tenant_id, user_id, scope, owner_id, key, version, document, fence, put_id, expires_at
) VALUES (
    %(tenant_id)s, %(user_id)s, %(scope)s, %(owner_id)s, %(key)s, %(version)s, %(document)s, %(fence)s, %(put_id)s,
    clock_timestamp() + make_interval(secs => %(ttl_seconds)s)
)
ON CONFLICT (tenant_id, user_id, scope, owner_id, key) DO UPDATE SET
    version = excluded.version, document = excluded.document, fence = excluded.fence, put_id = excluded.put_id,
    expires_at = excluded.expires_at, updated_at = excluded.updated_at
WHERE s.version < excluded.version

-- name: empty_expired
-- Delete the values of expired documents. Their versions stay.
UPDATE agent_states SET document = NULL, updated_at = clock_timestamp(), expires_at = NULL
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM agent_states
    WHERE expires_at <= clock_timestamp() AND document IS NOT NULL
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))

-- name: remove_deleted
-- Remove documents that were deleted long ago.
DELETE FROM agent_states
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM agent_states
    WHERE document IS NULL AND updated_at < clock_timestamp() - make_interval(days => %(days)s)
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
