-- name: user_state
-- Read the version of the user's memory, the version of the last run, and up to which facts it was judged.
SELECT version, slept_version, slept_through, display_name, now() AS now
FROM users
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: current_facts
-- Read all current facts, in the order in which they were recorded.
SELECT fact_id, text, category, subject, attribute, value, life, said_at, first_said_at, valid_from, true AS is_current,
       origin = 'person' OR is_pinned AS is_protected, importance, times_seen, said_valid_to, recorded_at,
       batch_id
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
ORDER BY recorded_at, fact_id

-- name: end_fact
-- End a current fact. Where another value replaces it, it ends in the world when the other one begins.
UPDATE facts SET
    status = 'superseded', superseded_by = %(superseded_by)s, superseded_at = now(), ended_because = %(because)s,
    valid_to = COALESCE(said_valid_to, CASE WHEN %(because)s IN ('newer_value', 'judged', 'ended') THEN (
        SELECT COALESCE(n.valid_from, n.first_said_at, n.said_at) FROM facts AS n
        WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = %(superseded_by)s
    ) END)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status = 'current'

-- name: promote
-- Raise the importance of recurring facts.
UPDATE facts SET importance = %(importance)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s)

-- name: mark_slept
-- Record a run, and increment the version if it changed facts. Returns no row if the memory has changed since it was
-- read. A run that is not finished leaves slept_version unchanged, so that the next run continues.
WITH recovered AS (
    DELETE FROM failed_work
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'sleep' AND item = 'memory'
)
UPDATE users SET
    version = version + %(changes)s, slept_at = now(),
    slept_version = CASE WHEN %(is_finished)s THEN version + %(changes)s ELSE slept_version END,
    slept_through = COALESCE(%(slept_through)s::timestamptz, slept_through)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND version = %(version)s
RETURNING version

-- name: forget_compared
-- Delete what facts were compared with, of the batches whose facts this run or an earlier one has compared.
DELETE FROM compared_facts AS c
WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s
      AND NOT EXISTS (
          SELECT FROM facts AS f
          WHERE f.tenant_id = c.tenant_id AND f.user_id = c.user_id AND f.batch_id = c.batch_id AND f.status = 'current'
                AND (%(slept_through)s::timestamptz IS NULL OR f.recorded_at > %(slept_through)s::timestamptz)
      )
