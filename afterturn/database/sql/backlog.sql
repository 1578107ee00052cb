-- What is owed just now. Each query reads the open rows only, by a partial index, however many are done. Tenant and
-- user may be null: all tenants, or all users of a tenant.

-- name: uncut
-- Archived turns that belong to no batch, and how long ago the oldest was acknowledged.
SELECT count(*) AS sessions,
       coalesce(sum(s.next_position - 1 - s.cut_through), 0)::bigint AS turns,
       extract(epoch FROM now() - min(coalesce(t.written_at, s.uncut_since)))::float AS oldest_seconds
FROM sessions AS s
LEFT JOIN turns AS t
    ON t.tenant_id = s.tenant_id AND t.user_id = s.user_id AND t.session_id = s.session_id
       AND t.position = s.cut_through + 1
WHERE s.cut_due_at IS NOT NULL
      AND (%(tenant_id)s::text IS NULL OR s.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR s.user_id = %(user_id)s)

-- name: batches
-- Open batches by step, how long ago the oldest turn of each step was acknowledged, and how many are paused. Imported
-- turns are in no hurry: their age is left out.
SELECT CASE WHEN b.state = 'pending' THEN 'pending'
            WHEN b.embedded_at IS NULL THEN 'extracted'
            WHEN b.owes_judgement THEN 'unjudged' ELSE 'embedded' END AS step,
       count(*) AS count,
       extract(epoch FROM now() - min(coalesce(t.written_at, b.created_at)) FILTER (WHERE b.cut_by <> 'import'))::float
           AS oldest_seconds,
       count(*) FILTER (WHERE b.paused_until > now()) AS paused,
       max(b.paused_until) FILTER (WHERE b.paused_until > now()) AS paused_until
FROM batches AS b
LEFT JOIN turns AS t
    ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
       AND t.position = b.first_position
WHERE b.state IN ('pending', 'extracted')
      AND (%(tenant_id)s::text IS NULL OR b.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)
GROUP BY step

-- name: leases
-- Leases that somebody holds, and those that lapsed and were not taken over.
SELECT count(*) FILTER (WHERE until > now()) AS held, count(*) FILTER (WHERE until <= now()) AS lapsed
FROM leases
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: summaries
-- Sessions whose summary lacks what was applied.
SELECT count(*) AS owed FROM sessions
WHERE owes_summary
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: imported
-- Imported turns that belong to no batch yet.
SELECT coalesce(sum(last_position - first_position + 1), 0)::bigint AS turns FROM imported_runs
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: erasures
-- Erasures that were begun and are not finished.
SELECT count(*) AS unfinished FROM erasures
WHERE completed_at IS NULL
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: discarded
-- Dead batches, entries and vectors that an operator gave up on.
SELECT count(*) AS discarded FROM (
    SELECT tenant_id, user_id FROM batches WHERE state = 'dead' AND discarded_at IS NOT NULL
    UNION ALL
    SELECT tenant_id, user_id FROM dead_entries WHERE discarded_at IS NOT NULL
    UNION ALL
    SELECT tenant_id, user_id FROM missing_vectors WHERE retry_at IS NULL AND discarded_at IS NOT NULL
) AS dead
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
