-- name: look
-- Read whether there may be open work on batches (to process, or to cut), or on sessions and users. Each part reads one
-- entry of an index. With EXISTS the planner would ignore the order, and might scan a whole table.
SELECT coalesce(
    (SELECT true FROM sessions WHERE cut_due_at <= now() ORDER BY cut_due_at LIMIT 1),
    (SELECT true FROM imported_runs ORDER BY created_at LIMIT 1),
    (SELECT true FROM batches WHERE state IN ('pending', 'extracted') ORDER BY tenant_id, user_id, user_seq LIMIT 1),
    false
) AS batches, coalesce(
    (SELECT true FROM sessions WHERE owes_summary ORDER BY summary_hinted_at NULLS FIRST LIMIT 1),
    (
        SELECT true FROM users
        WHERE owes_sleep AND slept_at < now() - make_interval(secs => %(sleep_seconds)s) ORDER BY slept_at LIMIT 1
    ),
    (SELECT true FROM users WHERE owes_index ORDER BY index_hinted_at NULLS FIRST LIMIT 1),
    (SELECT true FROM users WHERE owes_stems ORDER BY stems_hinted_at NULLS FIRST LIMIT 1),
    (SELECT true FROM erasures WHERE completed_at IS NULL ORDER BY hinted_at NULLS FIRST LIMIT 1),
    (SELECT true FROM documents WHERE expires_at <= now() ORDER BY expires_at LIMIT 1),
    (SELECT true FROM users WHERE %(has_cold_store)s AND cold_due_at <= now() ORDER BY cold_due_at LIMIT 1),
    (SELECT true FROM cold_deletions WHERE %(has_cold_store)s AND due_at <= now() ORDER BY due_at LIMIT 1),
    (SELECT true FROM user_merges WHERE completed_at IS NULL ORDER BY hinted_at NULLS FIRST LIMIT 1),
    (SELECT true FROM missing_vectors WHERE retry_at <= now() ORDER BY retry_at LIMIT 1),
    (SELECT true FROM embedding_spaces WHERE state = 'building' OR is_dropping OR drop_at <= now() LIMIT 1),
    (
        SELECT true FROM users WHERE vectors_generation < (SELECT max(generation) FROM embedding_spaces)
        ORDER BY vectors_generation LIMIT 1
    ),
    false
) AS others

-- name: cut_due
-- Read sessions whose turns are due for a batch by idle time or age. Half are the newest, so that a new session does not
-- wait for a backlog; half have been due longest, so that every session is cut in the end.
(
    SELECT tenant_id, user_id, session_id FROM sessions
    WHERE cut_due_at <= now()
    ORDER BY cut_due_at
    LIMIT %(limit)s
)
UNION
(
    SELECT tenant_id, user_id, session_id FROM sessions
    WHERE cut_due_at <= now()
    ORDER BY cut_due_at DESC
    LIMIT %(limit)s
)

-- name: lapsed_batches
-- Read batches at one step (pending, extracted, unjudged, embedded) that were handed out a while ago and have no valid
-- lease: their message was lost, or their worker died. Mark them as handed out again. Only the lowest open batch of a user
-- may be applied.
WITH owed AS (
    SELECT b.tenant_id, b.user_id, b.batch_id
    FROM batches AS b
    WHERE b.state IN ('pending', 'extracted')
      AND CASE WHEN b.state = 'pending' THEN 'pending'
               WHEN b.embedded_at IS NULL THEN 'extracted'
               WHEN b.owes_judgement THEN 'unjudged' ELSE 'embedded' END = %(step)s
      AND b.hinted_at < now() - make_interval(secs => %(hint_seconds)s)
      AND (b.paused_until IS NULL OR b.paused_until <= now())
      AND NOT EXISTS (
          SELECT FROM leases AS l
          WHERE l.tenant_id = b.tenant_id AND l.user_id = b.user_id AND l.kind = 'batch'
            AND l.item = b.batch_id::text AND l.until > now()
      )
      AND (b.embedded_at IS NULL OR NOT EXISTS (
          SELECT FROM batches AS lower
          WHERE lower.tenant_id = b.tenant_id AND lower.user_id = b.user_id AND lower.user_seq < b.user_seq
            AND lower.state IN ('pending', 'extracted')
      ))
    ORDER BY b.hinted_at
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF b SKIP LOCKED
)
UPDATE batches AS b SET hinted_at = now()
FROM owed
WHERE b.tenant_id = owed.tenant_id AND b.user_id = owed.user_id AND b.batch_id = owed.batch_id
RETURNING b.tenant_id, b.user_id, b.batch_id

-- name: fresh_batches
-- Read batches at one step that were not handed out yet, and mark them as handed out. Tenants whose id is greater than
-- `after` get equal shares. Within a tenant, three of four batches are those with the lowest place (the number of the
-- user's open batches when the batch was cut), and one of four is the oldest, so that every batch is processed in the end.
-- Only the lowest open batch of a user may be applied. A live batch is extracted after the user's earlier ones are applied,
-- so that the model is shown their facts; it waits only for batches that are at most `in_order_seconds` old, and for no
-- import.
WITH RECURSIVE tenants (tenant_id, number) AS (
    SELECT (
        SELECT b.tenant_id FROM batches AS b
        WHERE b.state IN ('pending', 'extracted') AND b.hinted_at IS NULL AND b.paused_until IS NULL
              AND step_of(b.state, b.embedded_at, b.owes_judgement) = %(step)s
              AND b.tenant_id > %(after)s
        ORDER BY b.tenant_id LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT b.tenant_id FROM batches AS b
        WHERE b.state IN ('pending', 'extracted') AND b.hinted_at IS NULL AND b.paused_until IS NULL
              AND step_of(b.state, b.embedded_at, b.owes_judgement) = %(step)s
              AND b.tenant_id > tenants.tenant_id
        ORDER BY b.tenant_id LIMIT 1
    ), tenants.number + 1
    FROM tenants WHERE tenants.tenant_id IS NOT NULL AND tenants.number < %(limit)s
),
named AS (SELECT tenant_id FROM tenants WHERE tenant_id IS NOT NULL),
share AS (SELECT ceil(%(limit)s::float8 / greatest(count(*), 1)) AS batches FROM named),
candidates AS (
    SELECT named.tenant_id, own.user_id, own.batch_id, own.is_oldest,
           row_number() OVER (PARTITION BY named.tenant_id, own.is_oldest ORDER BY own.place, own.created_at) AS number
    FROM named CROSS JOIN LATERAL (
        (
            SELECT b.user_id, b.batch_id, b.place, b.created_at, false AS is_oldest FROM batches AS b
            WHERE b.state IN ('pending', 'extracted') AND b.hinted_at IS NULL AND b.paused_until IS NULL
              AND step_of(b.state, b.embedded_at, b.owes_judgement) = %(step)s
                  AND b.tenant_id = named.tenant_id
                  AND (b.state = 'extracted' AND b.embedded_at IS NULL OR b.cut_by = 'import' AND b.state = 'pending'
                       OR NOT EXISTS (
                      SELECT FROM batches AS lower
                      WHERE lower.tenant_id = b.tenant_id AND lower.user_id = b.user_id AND lower.user_seq < b.user_seq
                            AND lower.state IN ('pending', 'extracted')
                            AND (b.state = 'extracted' OR lower.cut_by <> 'import' AND lower.paused_until IS NULL
                                 AND lower.created_at > now() - make_interval(secs => %(in_order_seconds)s))
                  ))
            ORDER BY b.place, b.created_at LIMIT (SELECT batches FROM share)
        )
        UNION ALL
        (
            SELECT b.user_id, b.batch_id, 0, b.created_at, true FROM batches AS b
            WHERE b.state IN ('pending', 'extracted') AND b.hinted_at IS NULL AND b.paused_until IS NULL
              AND step_of(b.state, b.embedded_at, b.owes_judgement) = %(step)s
                  AND b.tenant_id = named.tenant_id
                  AND (b.state = 'extracted' AND b.embedded_at IS NULL OR b.cut_by = 'import' AND b.state = 'pending'
                       OR NOT EXISTS (
                      SELECT FROM batches AS lower
                      WHERE lower.tenant_id = b.tenant_id AND lower.user_id = b.user_id AND lower.user_seq < b.user_seq
                            AND lower.state IN ('pending', 'extracted')
                            AND (b.state = 'extracted' OR lower.cut_by <> 'import' AND lower.paused_until IS NULL
                                 AND lower.created_at > now() - make_interval(secs => %(in_order_seconds)s))
                  ))
            ORDER BY b.created_at LIMIT (SELECT ceil(batches / 4) FROM share)
        )
    ) AS own
),
chosen AS (
    SELECT tenant_id, user_id, batch_id, bool_or(is_oldest) AS is_oldest,
           row_number() OVER (
               PARTITION BY tenant_id ORDER BY min(CASE WHEN is_oldest THEN 4 * number ELSE number * 4 / 3 END)
           ) AS number
    FROM candidates GROUP BY tenant_id, user_id, batch_id
),
owed AS (
    SELECT b.tenant_id, b.user_id, b.batch_id, first.is_oldest
    FROM (SELECT * FROM chosen ORDER BY number LIMIT %(limit)s) AS first
    JOIN batches AS b USING (tenant_id, user_id, batch_id)
    WHERE b.hinted_at IS NULL AND b.state IN ('pending', 'extracted')
    FOR NO KEY UPDATE OF b SKIP LOCKED
)
UPDATE batches AS b SET hinted_at = now()
FROM owed
WHERE b.tenant_id = owed.tenant_id AND b.user_id = owed.user_id AND b.batch_id = owed.batch_id
RETURNING b.tenant_id, b.user_id, b.batch_id, b.place, owed.is_oldest

-- name: end_pauses
-- Remove the pause of batches whose pause is over. They are then handed out like all others.
UPDATE batches AS b SET paused_until = NULL, paused_budget = NULL
FROM (
    SELECT tenant_id, user_id, batch_id FROM batches
    WHERE paused_until <= now() AND state IN ('pending', 'extracted')
    ORDER BY paused_until LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
) AS over
WHERE b.tenant_id = over.tenant_id AND b.user_id = over.user_id AND b.batch_id = over.batch_id

-- name: resume
-- Resume batches that were paused by a smaller budget than the present one (null: no budget).
UPDATE batches SET paused_until = NULL, paused_budget = NULL
WHERE paused_budget IS NOT NULL AND state IN ('pending', 'extracted')
      AND (%(daily_tokens)s::bigint IS NULL OR paused_budget < %(daily_tokens)s)

-- name: owed_summaries
-- Read sessions whose summary lacks episodes and that were not checked recently. Mark all checked sessions, so that
-- sessions that must wait do not block others. A summary waits while the session has open batches, for about a minute at
-- most: each applied batch removes the mark.
WITH checked AS (
    SELECT s.tenant_id, s.user_id, s.session_id
    FROM sessions AS s
    WHERE s.owes_summary
      AND (s.summary_hinted_at IS NULL OR s.summary_hinted_at < now() - make_interval(secs => %(hint_seconds)s))
      AND NOT EXISTS (
          SELECT FROM failed_work AS f
          WHERE f.tenant_id = s.tenant_id AND f.user_id = s.user_id AND f.kind = 'summary' AND f.item = s.session_id
                AND (f.retry_at IS NULL OR f.retry_at > now())
      )
    ORDER BY s.summary_hinted_at NULLS FIRST
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF s SKIP LOCKED
), marked AS (
    UPDATE sessions AS s SET summary_hinted_at = now()
    FROM checked AS l
    WHERE s.tenant_id = l.tenant_id AND s.user_id = l.user_id AND s.session_id = l.session_id
    RETURNING s.tenant_id, s.user_id, s.session_id, s.summarized_through
)
SELECT m.tenant_id, m.user_id, m.session_id
FROM marked AS m
WHERE NOT EXISTS (
        SELECT FROM leases AS l
        WHERE l.tenant_id = m.tenant_id AND l.user_id = m.user_id AND l.kind = 'summary'
          AND l.item = m.session_id AND l.until > now()
    )
    AND (
        NOT EXISTS (
            SELECT FROM batches AS b
            WHERE b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.session_id = m.session_id
              AND b.state IN ('pending', 'extracted')
        ) AND NOT EXISTS (
            SELECT FROM imported_runs AS r
            WHERE r.tenant_id = m.tenant_id AND r.user_id = m.user_id AND r.session_id = m.session_id
        )
        OR EXISTS (
            SELECT FROM batches AS b
            WHERE b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.session_id = m.session_id
              AND b.user_seq > m.summarized_through AND b.applied_at < now() - interval '1 minute'
        )
    )

-- name: owed_sleeps
-- Read users whose memory changed since the last sleep, which is a while ago, and that were not checked recently. Mark all
-- checked users. A sleep waits while the user has open batches.
WITH checked AS (
    SELECT u.tenant_id, u.user_id
    FROM users AS u
    WHERE u.owes_sleep AND u.slept_at < now() - make_interval(secs => %(sleep_seconds)s)
      AND (u.sleep_hinted_at IS NULL OR u.sleep_hinted_at < now() - make_interval(secs => %(hint_seconds)s))
      AND NOT EXISTS (
          SELECT FROM failed_work AS f
          WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.kind = 'sleep' AND f.item = 'memory'
                AND (f.retry_at IS NULL OR f.retry_at > now())
      )
    ORDER BY u.slept_at
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF u SKIP LOCKED
), marked AS (
    UPDATE users AS u SET sleep_hinted_at = now()
    FROM checked AS l
    WHERE u.tenant_id = l.tenant_id AND u.user_id = l.user_id
    RETURNING u.tenant_id, u.user_id
)
SELECT m.tenant_id, m.user_id
FROM marked AS m
WHERE NOT EXISTS (
        SELECT FROM leases AS l
        WHERE l.tenant_id = m.tenant_id AND l.user_id = m.user_id AND l.kind = 'sleep' AND l.until > now()
    )
    AND NOT EXISTS (
        SELECT FROM batches AS b
        WHERE b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.state IN ('pending', 'extracted')
    )

-- name: owed_indexes
-- Read users whose memory has grown since the last check for an index, and mark them as handed out.
WITH owed AS (
    SELECT u.tenant_id, u.user_id
    FROM users AS u
    WHERE u.owes_index
      AND (u.index_hinted_at IS NULL OR u.index_hinted_at < now() - make_interval(secs => %(hint_seconds)s))
      AND NOT EXISTS (
          SELECT FROM leases AS l
          WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND l.kind = 'index' AND l.until > now()
      )
    ORDER BY u.index_hinted_at NULLS FIRST
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF u SKIP LOCKED
)
UPDATE users AS u SET index_hinted_at = now()
FROM owed
WHERE u.tenant_id = owed.tenant_id AND u.user_id = owed.user_id
RETURNING u.tenant_id, u.user_id

-- name: owed_stems
-- Users whose texts have the stems of an earlier release; marks them as handed out.
WITH owed AS (
    SELECT u.tenant_id, u.user_id
    FROM users AS u
    WHERE u.owes_stems
      AND (u.stems_hinted_at IS NULL OR u.stems_hinted_at < now() - make_interval(secs => %(hint_seconds)s))
      AND NOT EXISTS (
          SELECT FROM leases AS l
          WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND l.kind = 'index' AND l.until > now()
      )
    ORDER BY u.stems_hinted_at NULLS FIRST
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF u SKIP LOCKED
)
UPDATE users AS u SET stems_hinted_at = now()
FROM owed
WHERE u.tenant_id = owed.tenant_id AND u.user_id = owed.user_id
RETURNING u.tenant_id, u.user_id

-- name: owed_erasures
-- Read users whose erasure was requested more than a second ago and is not completed, and mark them as handed out. Within
-- that second, the process that requested an erasure usually completes it itself.
WITH owed AS (
    SELECT e.owner_hash, e.epoch
    FROM erasures AS e
    WHERE e.completed_at IS NULL AND e.requested_at < now() - interval '1 second'
      AND (e.hinted_at IS NULL OR e.hinted_at < now() - make_interval(secs => %(hint_seconds)s))
    ORDER BY e.hinted_at NULLS FIRST
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF e SKIP LOCKED
)
UPDATE erasures AS e SET hinted_at = now()
FROM owed
WHERE e.owner_hash = owed.owner_hash AND e.epoch = owed.epoch
RETURNING e.tenant_id, e.user_id
