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
           count(*) FILTER (WHERE state = 'dead') AS dead_batches,
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

-- name: dead_reasons
-- Why batches of a tenant are dead, the most frequent reason first.
SELECT reason, count(*) AS batches FROM batches
WHERE tenant_id = %(tenant_id)s AND state = 'dead'
GROUP BY reason ORDER BY batches DESC, reason

-- name: freshness
-- Seconds from a turn's acknowledgement to its row in Postgres, and to the facts of its batch, over a tenant's turns.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY archived) AS archived_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY archived) AS archived_p95,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY searchable) AS searchable_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY searchable) AS searchable_p95
FROM (
    SELECT extract(epoch FROM t.archived_at - t.written_at)::float AS archived,
           extract(epoch FROM b.applied_at - t.written_at)::float AS searchable
    FROM turns AS t
    LEFT JOIN batches AS b
        ON b.tenant_id = t.tenant_id AND b.user_id = t.user_id AND b.session_id = t.session_id
           AND t.position BETWEEN b.first_position AND b.last_position AND b.state = 'applied'
    WHERE t.tenant_id = %(tenant_id)s
) AS delays

-- name: cost
-- What a tenant's LLM calls came to.
SELECT count(*) AS calls,
       coalesce(sum(prompt_tokens), 0)::bigint AS prompt_tokens,
       coalesce(sum(completion_tokens), 0)::bigint AS completion_tokens
FROM llm_calls WHERE tenant_id = %(tenant_id)s
