-- name: create
-- Insert a key. A duration counts from the clock of the database.
INSERT INTO api_keys (tenant_id, digest, prefix, label, audience, users, rights, requests_per_minute, expires_at)
VALUES (
    %(tenant_id)s, %(digest)s, %(prefix)s, %(label)s, %(audience)s, %(users)s, %(rights)s, %(requests_per_minute)s,
    coalesce(%(expires_at)s, now() + make_interval(secs => %(expires_in_seconds)s::double precision))
)
RETURNING *, now() AS read_at

-- name: list
-- Read the keys of a tenant or of all, the newest first.
SELECT *, now() AS read_at FROM api_keys
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
  AND (%(with_ended)s OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())))
ORDER BY created_at DESC, key_id

-- name: lock
-- Lock the keys with this id or beginning.
SELECT *, now() AS read_at FROM api_keys
WHERE key_id = %(key_id)s::uuid OR prefix = %(prefix)s
ORDER BY key_id FOR UPDATE

-- name: successor
-- Read the key that replaces this one.
SELECT prefix FROM api_keys WHERE rotated_from = %(key_id)s AND revoked_at IS NULL

-- name: rotate
-- Insert a key with the owner and the rights of another one. It expires when the other one would have expired.
INSERT INTO api_keys (
    tenant_id, digest, prefix, label, audience, users, rights, requests_per_minute, expires_at, rotated_from
)
SELECT tenant_id, %(digest)s, %(prefix)s, label, audience, users, rights, requests_per_minute, expires_at, key_id
FROM api_keys WHERE key_id = %(key_id)s
RETURNING *, now() AS read_at

-- name: expire
-- Let a key expire after a time, or earlier if it would anyway.
UPDATE api_keys
SET expires_at = least(expires_at, now() + make_interval(secs => %(grace_seconds)s::double precision))
WHERE key_id = %(key_id)s
RETURNING *, now() AS read_at

-- name: revoke
UPDATE api_keys SET revoked_at = now() WHERE key_id = %(key_id)s RETURNING *, now() AS read_at

-- name: find
SELECT * FROM find_api_key(%(digest)s)

-- name: touch
SELECT touch_api_key(%(key_id)s)

-- name: has_keys
SELECT has_api_keys() AS has_keys
