-- name: add_to_run
-- Append imported turns to the run that ends just before them; insert a new run where there is none.
WITH grown AS (
    UPDATE imported_runs
    SET last_position = %(last_position)s, tokens = tokens + %(tokens)s, grown_at = now()
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND last_position = %(first_position)s - 1
    RETURNING first_position
)
INSERT INTO imported_runs (tenant_id, user_id, session_id, first_position, last_position, tokens)
SELECT %(tenant_id)s, %(user_id)s, %(session_id)s, %(first_position)s, %(last_position)s, %(tokens)s
WHERE NOT EXISTS (SELECT FROM grown)

-- name: open_batches
-- Count the open imported batches, and tell whether a live batch waits to be extracted. Batches that wait for their user's
-- next day do not count, because they occupy no worker.
SELECT (
    SELECT count(*) FROM batches
    WHERE state IN ('pending', 'extracted') AND cut_by = 'import'
          AND (paused_budget IS NULL OR paused_until <= now())
) AS open_batches, EXISTS (
    SELECT FROM batches AS b
    WHERE b.state IN ('pending', 'extracted')
          AND CASE WHEN b.state = 'pending' THEN 'pending'
                   WHEN b.embedded_at IS NULL THEN 'extracted'
                   WHEN b.owes_judgement THEN 'unjudged' ELSE 'embedded' END = 'pending'
          AND b.cut_by <> 'import' AND (b.paused_until IS NULL OR b.paused_until <= now())
          AND NOT EXISTS (
              SELECT FROM leases AS l
              WHERE l.tenant_id = b.tenant_id AND l.user_id = b.user_id AND l.kind = 'batch'
                AND l.item = b.batch_id::text AND l.until > now()
          )
) AS is_live_batch_waiting

-- name: ready_runs
-- Read the oldest runs that have enough turns for a batch, or to which nothing was added for a while. Left out are users
-- whose calls of today have used the tokens that imports may use (null: no limit), and users with a batch that waits for
-- the next day.
SELECT r.tenant_id, r.user_id, r.session_id, r.first_position, r.last_position, r.tokens,
       r.grown_at <= now() - make_interval(secs => %(idle_seconds)s) AS is_complete
FROM imported_runs AS r
WHERE (
        r.last_position - r.first_position + 1 >= %(batch_turns)s OR r.tokens >= %(batch_tokens)s
        OR r.grown_at <= now() - make_interval(secs => %(idle_seconds)s)
    ) AND (
        %(import_tokens)s::bigint IS NULL OR NOT EXISTS (
            SELECT FROM batches AS b
            WHERE b.tenant_id = r.tenant_id AND b.user_id = r.user_id AND b.state IN ('pending', 'extracted')
                  AND b.paused_budget IS NOT NULL
        ) AND %(import_tokens)s > (
            SELECT coalesce(sum(
                CASE WHEN l.ended_at IS NULL THEN l.reserved_tokens ELSE l.prompt_tokens + l.completion_tokens END
            ), 0)
            FROM llm_calls AS l
            WHERE l.tenant_id = r.tenant_id AND l.user_id = r.user_id
                  AND l.reserved_at >= date_trunc('day', now(), 'UTC')
        )
    )
ORDER BY r.created_at, r.session_id, r.first_position
LIMIT %(limit)s

-- name: run
-- Read one run again, under its user's lock.
SELECT tenant_id, user_id, session_id, first_position, last_position, tokens FROM imported_runs
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND first_position = %(first_position)s

-- name: first_turns
-- Read the first turns of a run, in order.
SELECT position, role, tokens, coalesce(right(content, %(characters)s), '') AS ending FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND position BETWEEN %(first_position)s AND %(last_position)s
ORDER BY position
LIMIT %(limit)s

-- name: shorten_run
-- Remove the turns that were cut from the beginning of a run.
UPDATE imported_runs SET first_position = %(cut_through)s + 1, tokens = tokens - %(tokens)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND first_position = %(first_position)s

-- name: delete_run
-- Delete a run whose turns were all cut.
DELETE FROM imported_runs
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND first_position = %(first_position)s
