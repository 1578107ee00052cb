-- name: claim
-- Claim the lease on one piece of work, unless another process has it. Every claim gets a new token, which distinguishes
-- the new owner from earlier ones. FOR KEY SHARE on the user's row makes a claim wait while the user is being forgotten,
-- and then find no user. Otherwise a lease claimed just after the deletion of the user's leases would allow a write of old
-- content.
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

-- name: releasing
-- Release the lease and write, in the transaction that commits the work. The comment is replaced by the writes: parts of this
-- statement, the last of them `moved`. If `released` has no row, another process has taken the lease over: the caller raises,
-- and the transaction ends without effect.
WITH released AS (
    DELETE FROM leases
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(lease_kind)s AND item = %(lease_item)s
          AND token = %(lease_token)s
    RETURNING token
),
/* writes */
SELECT EXISTS (SELECT FROM released) AS is_released, EXISTS (SELECT FROM moved) AS is_moved

-- name: release
-- Release the lease, in the transaction that commits the work. Returns no row if another process has taken it over.
DELETE FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s AND token = %(token)s
RETURNING token

-- name: fence
-- Lock the lease until the end of the transaction. Returns no row if another process has taken it over.
SELECT token FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s AND token = %(token)s
FOR SHARE

-- name: renew
-- Renew all leases of a process by the database's clock, but not beyond their deadlines. A lapsed lease that no other process
-- has claimed still has its token, and is renewed like the others. A locked lease is skipped until the next round, so
-- that this and a transaction that deletes several leases never wait for each other.
WITH renewable AS (
    SELECT tenant_id, user_id, kind, item FROM leases
    WHERE token = ANY(%(tokens)s) AND deadline > clock_timestamp()
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE leases AS l SET until = LEAST(clock_timestamp() + make_interval(secs => %(lease_seconds)s), l.deadline)
FROM renewable
WHERE l.tenant_id = renewable.tenant_id AND l.user_id = renewable.user_id AND l.kind = renewable.kind
      AND l.item = renewable.item
