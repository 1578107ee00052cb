-- name: keys
-- Read the keys that name a user, without their digests and the other users that they name.
SELECT to_jsonb(k) - 'digest' - 'users' AS row FROM api_keys AS k
WHERE tenant_id = %(tenant_id)s AND %(user_id)s = ANY(users) ORDER BY created_at, key_id

-- name: entries
-- Read the entries about a user, and those of requests that the user's own token made. Those of exports are left out, so
-- that two exports of an unchanged memory are equal.
SELECT to_jsonb(e) AS row FROM access_log AS e
WHERE tenant_id = %(tenant_id)s AND (about_user = %(user_id)s OR (actor_kind = 'token' AND actor = %(user_id)s))
      AND action <> 'export'
ORDER BY entry_id

-- name: remove_from_keys
-- Remove a user from the keys that name it. A key that is left without a user ends: it would give access to the memory of
-- whoever registers with this id later.
UPDATE api_keys
SET users = array_remove(users, %(user_id)s), audience = 'users',
    revoked_at = CASE WHEN array_remove(users, %(user_id)s) = '{}' THEN coalesce(revoked_at, now()) ELSE revoked_at END,
    label = CASE WHEN array_remove(users, %(user_id)s) = '{}' THEN NULL ELSE label END
WHERE tenant_id = %(tenant_id)s AND %(user_id)s = ANY(users)

-- name: hide_in_entries
-- Put the owner hash in the place of a user's id.
UPDATE access_log SET about_user = NULL, owner_hash = %(owner_hash)s
WHERE tenant_id = %(tenant_id)s AND about_user = %(user_id)s

-- name: hide_actor
-- Do the same where the user's own token made the request; the address goes too.
UPDATE access_log SET actor = %(owner_hash)s, address = NULL
WHERE tenant_id = %(tenant_id)s AND actor_kind = 'token' AND actor = %(user_id)s
