-- name: epochs
-- A number of each of these users that grows with every erasure of theirs: once when it is asked for, and once more when
-- it is done.
SELECT owner_hash, max(2 * epoch + (completed_at IS NOT NULL)::int) AS epoch
FROM erasures WHERE owner_hash = ANY(%(owner_hashes)s) GROUP BY owner_hash

-- name: touch_user
-- Lock the user's row, which is made where there is none, and let whoever decided on an older version decide again.
INSERT INTO users (tenant_id, user_id) VALUES (%(tenant_id)s, %(user_id)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET version = users.version + 1

-- name: request
-- Ask for an erasure; where one is under way, that one will do.
INSERT INTO erasures (owner_hash, epoch, tenant_id, user_id)
SELECT %(owner_hash)s, coalesce(max(epoch), 0) + 1, %(tenant_id)s, %(user_id)s
FROM erasures WHERE owner_hash = %(owner_hash)s
HAVING bool_and(completed_at IS NOT NULL) IS NOT FALSE

-- name: last_epoch
-- The number of a user's last erasure.
SELECT max(epoch) AS epoch FROM erasures WHERE owner_hash = %(owner_hash)s

-- name: take
-- Take an unfinished erasure for this transaction, unless somebody else is at it. The token, larger with every taking,
-- tells Redis which of two is the later one.
SELECT epoch, removed, nextval('lease_tokens') AS token FROM erasures
WHERE owner_hash = %(owner_hash)s AND completed_at IS NULL
FOR UPDATE SKIP LOCKED

-- name: note_removed
-- How much has been removed so far.
UPDATE erasures SET removed = %(removed)s WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s

-- name: allow_time
-- A large memory takes longer to delete than other statements may take.
SELECT set_config('statement_timeout', '600000', true)

-- name: lock_user
-- Keep out archives, and all new claims: those hold on to the row's key.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR UPDATE

-- name: sessions
-- The names of a user's sessions.
SELECT session_id FROM sessions WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: complete
-- It is done: what stays of it names nobody.
UPDATE erasures SET completed_at = clock_timestamp(), removed = %(removed)s, tenant_id = NULL, user_id = NULL
WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s

-- name: receipt
-- What came of an erasure that is done.
SELECT owner_hash, epoch, requested_at, completed_at, removed FROM erasures
WHERE owner_hash = %(owner_hash)s AND epoch = %(epoch)s AND completed_at IS NOT NULL
