-- name: progress
-- How far one tenant's turns, batches and sessions have come: one row of counts. Turns are counted by what sessions and
-- batches say of themselves, so that this stays cheap however many there are.
SELECT s.sessions, s.archived_turns, s.uncut_turns, s.summarized_sessions, b.*, f.*
FROM (
    SELECT count(*) AS sessions,
           coalesce(sum(next_position - 1), 0)::bigint AS archived_turns,
           coalesce(sum(next_position - 1 - cut_through), 0)::bigint AS uncut_turns,
           count(*) FILTER (
               WHERE cut_through = next_position - 1 AND applied_through > 0 AND summarized_through >= applied_through
                     AND NOT EXISTS (
                         SELECT FROM batches AS b
                         WHERE b.tenant_id = held.tenant_id AND b.user_id = held.user_id
                               AND b.session_id = held.session_id AND b.state IN ('pending', 'extracted')
                     )
           ) AS summarized_sessions
    FROM sessions AS held WHERE tenant_id = %(tenant_id)s
) AS s,
(
    SELECT count(*) AS batches,
           count(*) FILTER (WHERE state IN ('pending', 'extracted')) AS open_batches,
           count(*) FILTER (WHERE state = 'dead' AND discarded_at IS NULL) AS dead_batches,
           count(*) FILTER (WHERE state = 'dead' AND discarded_at IS NOT NULL) AS discarded_batches,
           coalesce(sum(turns) FILTER (WHERE extracted_at IS NOT NULL), 0)::bigint AS extracted_turns,
           coalesce(sum(turns) FILTER (WHERE embedded_at IS NOT NULL), 0)::bigint AS embedded_turns,
           coalesce(sum(turns) FILTER (WHERE applied_at IS NOT NULL), 0)::bigint AS applied_turns
    FROM (
        SELECT *, last_position - first_position + 1 AS turns FROM batches WHERE tenant_id = %(tenant_id)s
    ) AS counted
) AS b,
(
    SELECT count(*) FILTER (WHERE status = 'current') AS current_facts,
           count(*) FILTER (WHERE status = 'superseded') AS superseded_facts
    FROM facts WHERE tenant_id = %(tenant_id)s
) AS f

-- Of the queries below, tenant and user may be null: all tenants, or all users of a tenant. So may seconds: however long
-- ago.

-- name: dead_reasons
-- Why batches, entries and vectors are dead, the most frequent reason first. Discarded ones are not counted.
SELECT reason, count(*) AS batches FROM (
    SELECT tenant_id, user_id, reason FROM batches WHERE state = 'dead' AND discarded_at IS NULL
    UNION ALL
    SELECT tenant_id, user_id, reason FROM dead_entries WHERE discarded_at IS NULL
    UNION ALL
    SELECT tenant_id, user_id, reason FROM missing_vectors WHERE retry_at IS NULL AND discarded_at IS NULL
) AS dead
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
GROUP BY reason ORDER BY batches DESC, reason

-- name: rejected
-- Why candidates, or parts of them, were not believed since a moment, the most frequent reason first.
SELECT r.reason, count(*) AS candidates
FROM batches AS b
JOIN rejections AS r ON r.tenant_id = b.tenant_id AND r.user_id = b.user_id AND r.batch_id = b.batch_id
WHERE b.state = 'applied' AND b.applied_at >= %(since)s
      AND (%(tenant_id)s::text IS NULL OR b.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)
GROUP BY r.reason ORDER BY candidates DESC, r.reason

-- name: freshness
-- Seconds from a turn's acknowledgement to its row in Postgres, and to the facts of its batch: of the turns that came
-- there in the last seconds. Imported ones, which wait on purpose, are not counted among the facts.
SELECT * FROM (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS archived_p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS archived_p95
    FROM (
        SELECT extract(epoch FROM archived_at - written_at)::float AS seconds FROM turns
        WHERE (%(seconds)s::float IS NULL OR archived_at > now() - make_interval(secs => %(seconds)s))
              AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
              AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
    ) AS delays
) AS archived, (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS searchable_p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS searchable_p95
    FROM (
        SELECT extract(epoch FROM b.applied_at - t.written_at)::float AS seconds
        FROM batches AS b
        JOIN turns AS t
            ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
               AND t.position BETWEEN b.first_position AND b.last_position
        WHERE b.state = 'applied' AND b.cut_by <> 'import'
              AND (%(seconds)s::float IS NULL OR b.applied_at > now() - make_interval(secs => %(seconds)s))
              AND (%(tenant_id)s::text IS NULL OR b.tenant_id = %(tenant_id)s)
              AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)
    ) AS delays
) AS searchable

-- name: stage_delays
-- Median and 95th percentile of the seconds between one stage's end and the next one's, over the turns that became
-- searchable in the last seconds.
SELECT count(*) AS turns,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM t.archived_at - t.written_at)::float)
           AS archive,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM b.created_at - t.archived_at)::float)
           AS cut,
       percentile_cont(ARRAY[0.5, 0.95])
           WITHIN GROUP (ORDER BY extract(epoch FROM b.extracted_at - b.created_at)::float) AS extract,
       percentile_cont(ARRAY[0.5, 0.95])
           WITHIN GROUP (ORDER BY extract(epoch FROM b.embedded_at - b.extracted_at)::float) AS embed,
       percentile_cont(ARRAY[0.5, 0.95])
           WITHIN GROUP (ORDER BY extract(epoch FROM b.applied_at - b.embedded_at)::float) AS consolidate
FROM batches AS b
JOIN turns AS t
    ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
       AND t.position BETWEEN b.first_position AND b.last_position
WHERE b.state = 'applied' AND b.cut_by <> 'import'
      AND (%(seconds)s::float IS NULL OR b.applied_at > now() - make_interval(secs => %(seconds)s))
      AND (%(tenant_id)s::text IS NULL OR b.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)

-- name: cost
-- What LLM calls came to, since a moment or since ever.
SELECT count(*) AS calls,
       coalesce(sum(prompt_tokens), 0)::bigint AS prompt_tokens,
       coalesce(sum(completion_tokens), 0)::bigint AS completion_tokens
FROM llm_calls
WHERE (%(since)s::timestamptz IS NULL OR reserved_at >= %(since)s)
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
