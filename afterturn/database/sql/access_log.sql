-- name: record
INSERT INTO access_log (actor_kind, actor, address, action, tenant_id, about_user, key_id, details)
VALUES (
    %(actor_kind)s, %(actor)s, %(address)s, %(action)s, %(tenant_id)s, %(about_user)s, %(key_id)s, %(details)s
)

-- name: read
-- Read the latest entries, and with them what operators did to dead letters.
SELECT happened_at, actor_kind, actor, address, action, tenant_id, about_user, owner_hash, key_id, details
FROM (
    SELECT happened_at, actor_kind, actor, address, action, tenant_id, about_user, owner_hash, key_id, details, entry_id
    FROM access_log
    UNION ALL
    SELECT happened_at, 'system', actor, NULL, 'dead.' || action, tenant_id, user_id, NULL, NULL,
           details || jsonb_build_object('batch_id', batch_id), audit_id
    FROM audit_log
) AS entries
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
  AND (%(user_id)s::text IS NULL OR about_user = %(user_id)s OR owner_hash = %(owner_hash)s)
  AND (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || '.'))
ORDER BY happened_at DESC, entry_id DESC
LIMIT %(limit)s
