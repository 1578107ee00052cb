-- Read the open work. Each query reads only open rows, through a partial index, so that many finished rows do not slow it.
-- A null tenant means all tenants, a null user all users. A turn's written_at is Redis's time, so its age is measured by
-- Redis's clock, redis_now. If that is null, because Redis is unavailable, the database's clock is used.

-- name: uncut
-- Count the archived turns without a batch, with the age of the oldest since it was acknowledged.
SELECT count(*) AS sessions,
       coalesce(sum(s.next_position - 1 - s.cut_through), 0)::bigint AS turns,
       extract(epoch FROM max(coalesce(
           coalesce(to_timestamp(%(redis_now)s), now()) - t.written_at, now() - s.uncut_since
       )))::float AS oldest_seconds
FROM sessions AS s
LEFT JOIN turns AS t
    ON t.tenant_id = s.tenant_id AND t.user_id = s.user_id AND t.session_id = s.session_id
       AND t.position = s.cut_through + 1
WHERE s.cut_due_at IS NOT NULL
      AND (%(tenant_id)s::text IS NULL OR s.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR s.user_id = %(user_id)s)

-- name: batches
-- Count the open batches by step, with the age of the oldest turn of each step, and the paused ones. The age excludes
-- imported turns, which have low priority.
SELECT CASE WHEN b.state = 'pending' THEN 'pending'
            WHEN b.embedded_at IS NULL THEN 'extracted'
            WHEN b.owes_judgement THEN 'unjudged' ELSE 'embedded' END AS step,
       count(*) AS count,
       extract(epoch FROM max(coalesce(
           coalesce(to_timestamp(%(redis_now)s), now()) - t.written_at, now() - b.created_at
       )) FILTER (WHERE b.cut_by <> 'import'))::float AS oldest_seconds,
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
-- Count the valid leases, and the lapsed ones that were not taken over.
SELECT count(*) FILTER (WHERE until > now()) AS held, count(*) FILTER (WHERE until <= now()) AS lapsed
FROM leases
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: summaries
-- Count the sessions whose summary does not cover all applied batches.
SELECT count(*) AS owed FROM sessions
WHERE owes_summary
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: imported
-- Count the imported turns without a batch.
SELECT coalesce(sum(last_position - first_position + 1), 0)::bigint AS turns FROM imported_runs
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: erasures
-- Count the unfinished erasures.
SELECT count(*) AS unfinished FROM erasures
WHERE completed_at IS NULL
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: discarded
-- Count the discarded dead batches, entries and vectors.
SELECT count(*) AS discarded FROM (
    SELECT tenant_id, user_id FROM batches WHERE state = 'dead' AND discarded_at IS NOT NULL
    UNION ALL
    SELECT tenant_id, user_id FROM dead_entries WHERE discarded_at IS NOT NULL
    UNION ALL
    SELECT tenant_id, user_id FROM missing_vectors WHERE retry_at IS NULL AND discarded_at IS NOT NULL
    UNION ALL
    SELECT tenant_id, user_id FROM failed_work WHERE retry_at IS NULL AND discarded_at IS NOT NULL
) AS dead
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
