-- name: claim
-- Take the lease on one piece of work, unless somebody holds it. Every claim gets a new token, so that whoever held
-- it before can be told from whoever holds it now. Holding on to the user row's key makes a claim wait while the user is
-- being forgotten, and find nobody afterwards: a lease that came just behind the deletion of the others would let old
-- content pass.
INSERT INTO leases (tenant_id, user_id, kind, item, token, owner, until, deadline)
SELECT
    u.tenant_id, u.user_id, %(kind)s, %(item)s, nextval('lease_tokens'), %(owner)s,
    clock_timestamp() + make_interval(secs => %(lease_seconds)s),
    clock_timestamp() + make_interval(secs => %(deadline_seconds)s)
FROM users AS u
WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s
FOR KEY SHARE
ON CONFLICT (tenant_id, user_id, kind, item) DO UPDATE
SET token = EXCLUDED.token, owner = EXCLUDED.owner, until = EXCLUDED.until, deadline = EXCLUDED.deadline
WHERE leases.until < clock_timestamp()
RETURNING token

-- name: release
-- End the lease, in the transaction that ends the work. No row: it is somebody else's by now.
DELETE FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s AND token = %(token)s
RETURNING token

-- name: fence
-- Hold on to the lease until the end of the transaction. No row: it is somebody else's by now.
SELECT token FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s AND token = %(token)s
FOR SHARE

-- name: renew
-- Renew all leases of a process by the database's clock, none beyond its deadline. A lapsed lease that nobody took
-- still has its token, and is renewed like the others. One that somebody has locked is left to the next round: whoever
-- ends several leases and this never wait for each other.
WITH held AS (
    SELECT tenant_id, user_id, kind, item FROM leases
    WHERE token = ANY(%(tokens)s) AND deadline > clock_timestamp()
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE leases AS l SET until = LEAST(clock_timestamp() + make_interval(secs => %(lease_seconds)s), l.deadline)
FROM held
WHERE l.tenant_id = held.tenant_id AND l.user_id = held.user_id AND l.kind = held.kind AND l.item = held.item
