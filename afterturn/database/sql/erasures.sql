-- name: epochs
-- Read a number for each of these users that increases when an erasure is requested and when it is completed.
SELECT owner_hash, max(2 * epoch + (completed_at IS NOT NULL)::int) AS epoch
FROM erasures WHERE owner_hash = ANY(%(owner_hashes)s) GROUP BY owner_hash

-- name: touch_user
-- Insert or lock the user's row, and increment its version, so that concurrent writers decide again.
INSERT INTO users (tenant_id, user_id) VALUES (%(tenant_id)s, %(user_id)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET version = users.version + 1

-- name: request
-- Insert the request for an erasure, unless an unfinished one exists.
INSERT INTO erasures (owner_hash, epoch, tenant_id, user_id)
SELECT %(owner_hash)s, coalesce(max(epoch), 0) + 1, %(tenant_id)s, %(user_id)s
FROM erasures WHERE owner_hash = %(owner_hash)s
HAVING bool_and(completed_at IS NOT NULL) IS NOT FALSE

-- name: last_epoch
-- Read the number of a user's last erasure.
SELECT max(epoch) AS epoch FROM erasures WHERE owner_hash = %(owner_hash)s

-- name: take
-- Lock an unfinished erasure for this transaction, unless another process has locked it. Each call gives a larger token;
-- the fence in Redis compares tokens.
SELECT epoch, removed, nextval('lease_tokens') AS token FROM erasures
WHERE owner_hash = %(owner_hash)s AND completed_at IS NULL
FOR UPDATE SKIP LOCKED

-- name: note_removed
-- Store the counts of the records removed so far.
UPDATE erasures SET removed = %(removed)s WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s

-- name: allow_time
-- Raise the timeout of statements, because deleting a large memory takes long.
SELECT set_config('statement_timeout', '600000', true)

-- name: lock_user
-- Lock the user's row. Archive tasks and new claims wait for it, because their rows reference its key.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR UPDATE

-- name: sessions
-- Read the ids of a user's sessions.
SELECT session_id FROM sessions WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: complete
-- Complete the erasure, and remove the user's ids from its row.
UPDATE erasures SET completed_at = clock_timestamp(), removed = %(removed)s, tenant_id = NULL, user_id = NULL
WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s

-- name: receipt
-- Read the receipt of a completed erasure.
SELECT owner_hash, epoch, requested_at, completed_at, removed FROM erasures
WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s AND completed_at IS NOT NULL

-- name: progress
-- Read how far an erasure is.
SELECT epoch, requested_at, completed_at, removed FROM erasures
WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s
