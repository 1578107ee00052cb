-- name: user
-- How the user's memory stands: whether it changed since the last sleep, and up to where it was judged.
SELECT version, slept_version, slept_through, display_name
FROM users
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: facts
-- All current facts, in the order in which they were recorded.
SELECT fact_id, text, category, subject, attribute, value, said_at, first_said_at, valid_from, true AS is_current,
       origin = 'person' OR is_pinned AS is_protected, importance, times_seen, said_valid_to, recorded_at
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
ORDER BY recorded_at, fact_id

-- name: end
-- A current fact is so no more.
UPDATE facts SET
    status = 'superseded', superseded_by = %(superseded_by)s, superseded_at = now(), ended_because = %(because)s,
    valid_to = COALESCE(said_valid_to, CASE WHEN %(because)s IN ('newer_value', 'judged') THEN (
        SELECT COALESCE(n.valid_from, n.first_said_at, n.said_at) FROM facts AS n
        WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = %(superseded_by)s
    ) END)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status = 'current'

-- name: promote
-- Facts that recur matter at least this much.
UPDATE facts SET importance = %(importance)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s)

-- name: slept
-- The memory has been tidied as it is now; what changes from here on is for the next time.
UPDATE users SET
    version = version + %(changes)s, slept_at = now(),
    slept_version = CASE WHEN %(is_finished)s THEN version + %(changes)s ELSE slept_version END,
    slept_through = COALESCE(%(slept_through)s::timestamptz, slept_through)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND version = %(version)s
RETURNING version
