-- name: progress
-- Count the turns, batches and sessions of one tenant by stage, in one row. Turns are counted from columns of sessions
-- and batches, so that the query is cheap with many turns.
SELECT s.sessions, s.archived_turns, s.uncut_turns, s.summarized_sessions, b.*, f.*
FROM (
    SELECT count(*) AS sessions,
           coalesce(sum(next_position - 1), 0)::bigint AS archived_turns,
           coalesce(sum(next_position - 1 - cut_through), 0)::bigint AS uncut_turns,
           count(*) FILTER (
               WHERE cut_through = next_position - 1 AND applied_through > 0 AND summarized_through >= applied_through
                     AND NOT EXISTS (
                         SELECT FROM batches AS b
                         WHERE b.tenant_id = own.tenant_id AND b.user_id = own.user_id
                               AND b.session_id = own.session_id AND b.state IN ('pending', 'extracted')
                     )
           ) AS summarized_sessions
    FROM sessions AS own WHERE tenant_id = %(tenant_id)s
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

-- In the queries below, a null tenant means all tenants, a null user all users, and null seconds all time.

-- name: dead_reasons
-- Count dead batches, entries and vectors by reason, the most frequent first, without discarded ones.
SELECT reason, count(*) AS batches FROM (
    SELECT tenant_id, user_id, reason FROM batches WHERE state = 'dead' AND discarded_at IS NULL
    UNION ALL
    SELECT tenant_id, user_id, reason FROM dead_entries WHERE discarded_at IS NULL
    UNION ALL
    SELECT tenant_id, user_id, reason FROM missing_vectors WHERE retry_at IS NULL AND discarded_at IS NULL
    UNION ALL
    SELECT tenant_id, user_id, reason FROM failed_work WHERE retry_at IS NULL AND discarded_at IS NULL
) AS dead
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
GROUP BY reason ORDER BY batches DESC, reason

-- name: rejected
-- Count the rejected candidates, or parts of them, since a time, by reason, the most frequent first.
SELECT r.reason, count(*) AS candidates
FROM batches AS b
JOIN rejections AS r ON r.tenant_id = b.tenant_id AND r.user_id = b.user_id AND r.batch_id = b.batch_id
WHERE b.state = 'applied' AND b.applied_at >= %(since)s
      AND (%(tenant_id)s::text IS NULL OR b.tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR b.user_id = %(user_id)s)
GROUP BY r.reason ORDER BY candidates DESC, r.reason

-- name: freshness
-- Compute the seconds from a turn's acknowledgement to its row in Postgres, and to the facts of its batch, over the turns
-- that got there in the last seconds. Imported turns wait on purpose, so the second number excludes them.
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
-- Compute the median and the 95th percentile of the seconds from the end of one stage to the end of the next one, over
-- the turns that became searchable in the last seconds.
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
-- Sum the calls and tokens of the LLM, since a time or of all time.
SELECT count(*) AS calls,
       coalesce(sum(prompt_tokens), 0)::bigint AS prompt_tokens,
       coalesce(sum(completion_tokens), 0)::bigint AS completion_tokens
FROM llm_calls
WHERE (%(since)s::timestamptz IS NULL OR reserved_at >= %(since)s)
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)

-- name: llm_usage_today
-- Sum the calls of the LLM, their tokens and their time, since midnight (UTC), by stage and model.
SELECT stage, model, count(*) AS calls, count(*) FILTER (WHERE outcome IS DISTINCT FROM 'answered') AS failed_calls,
       sum(prompt_tokens)::bigint AS prompt_tokens, sum(cached_tokens)::bigint AS cached_tokens,
       sum(completion_tokens)::bigint AS completion_tokens,
       coalesce(sum(extract(epoch FROM ended_at - reserved_at)), 0)::float AS seconds
FROM llm_calls
WHERE reserved_at >= date_trunc('day', now(), 'UTC') AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
GROUP BY stage, model
ORDER BY stage, model
